# sweep_judge.c: a store that cannot be read knows nothing.
s/^    if (view->known < 0)$/    if (false)/;s/const struct mird_deployment \*record = view->known ?/const struct mird_deployment *record = view->known > 0 ?/
