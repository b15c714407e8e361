# lease_parts.h: a deleted image counts as gone when the delete was sent.
s/return step == MIRD_STEP_INSTANCE || step == MIRD_STEP_IMAGE;/return step == MIRD_STEP_INSTANCE;/
