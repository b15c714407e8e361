# drive.c: what cannot be written keeps everything else from being done.
s/^    ops->flush(ctx); .*$/    if (ops->flush(ctx)) {\
        *ret_wake = ops->boot_ms(ctx) + MIRD_HOLD_MS;\
        return MIRD_WENT_REST;\
    }/
