# turn.c: a removal is acknowledged and not written.
s/^        turn.write = turn.weight == MIRD_DURABLE/        turn.write = input->kind == MIRD_IN_REMOVE ? false : turn.weight == MIRD_DURABLE/
