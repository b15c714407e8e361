# sweep_judge.c: what is recorded as gone and yet there is left alone.
s/if (known->finished_s || known->steps\[MIRD_STEP_INSTANCE\] == MIRD_UNDONE)/if (known->finished_s < 0)/
