# held.c: the record does not follow a clock that was set.
s/^        mird_lease_stepped(&held->d, stepped_ms - held->stepped_ms);/        held->stepped_ms = stepped_ms;/
