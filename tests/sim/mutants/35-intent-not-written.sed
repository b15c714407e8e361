# turn.c: an intent is not written before the request leaves.
s/^        turn.write = turn.weight == MIRD_DURABLE/        turn.write = input->kind != MIRD_IN_INTEND \&\& turn.weight == MIRD_DURABLE/
