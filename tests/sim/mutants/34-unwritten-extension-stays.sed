# turn.c: what could not be written is not taken back.
s/return input->kind == MIRD_IN_REMOVE ? MIRD_GO_ON_NO : MIRD_TAKE_BACK;/return input->kind ? MIRD_GO_ON_NO : MIRD_TAKE_BACK;/
