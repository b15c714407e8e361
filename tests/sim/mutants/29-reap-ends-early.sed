# sweep_judge.c: mirage-reap ends what has ten minutes left.
s/return now_s - grace_s >= found->tags.expires_s/return now_s - grace_s >= found->tags.expires_s - 600/
