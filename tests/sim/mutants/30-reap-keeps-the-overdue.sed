# sweep_judge.c: mirage-reap ends nothing.
s/return now_s - grace_s >= found->tags.expires_s/return now_s - grace_s >= found->tags.expires_s + 86400/
