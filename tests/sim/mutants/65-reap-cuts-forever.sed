# sweep_judge.c: the stateless reaper cuts the far date of the tags to 32 bits.
s/return now_s - grace_s >= found->tags.expires_s ? MIRD_END/return now_s - grace_s >= (int32_t)found->tags.expires_s ? MIRD_END/
