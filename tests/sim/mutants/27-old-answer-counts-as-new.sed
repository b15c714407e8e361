# lease.c: a question is taken to be as young as its answer.
s/    if (in->asked_ms < max64(/    if (now_ms < max64(/
s/        d->absent_since_ms = in->asked_ms;/        d->absent_since_ms = now_ms;/
