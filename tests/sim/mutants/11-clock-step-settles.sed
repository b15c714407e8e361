# lease.c: a clock that was set ahead counts as time that has passed.
s/^        \*moment_ms += by_ms;/        *moment_ms += 0;/
