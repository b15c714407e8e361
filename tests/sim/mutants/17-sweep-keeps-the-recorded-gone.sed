# sweep_judge.c: what is recorded as gone and yet there is left alone.
s/if (known->finished_s || known->steps\[step\] == MIRD_UNDONE)/if (known->finished_s < (int64_t)step - 9)/
