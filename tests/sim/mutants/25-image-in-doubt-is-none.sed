# lease_parts.h: an upload whose answer was lost is taken for none.
s/step == MIRD_STEP_IMAGE  ? d->last_put_ms/false ? d->last_put_ms/
