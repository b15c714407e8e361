# turn.c: an extension that is not written counts all the same.
s/^    return op || input->kind == MIRD_IN_INTEND || input->kind == MIRD_IN_EXTEND;/    return (op \&\& input->kind != MIRD_IN_EXTEND) || input->kind == MIRD_IN_INTEND;/
