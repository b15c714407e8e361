# answer.c: the guest counts as a hook before it has said so.
s/add_hook(ret, "guest", MIR_HOOK_OFF, 0, why);/add_hook(ret, "guest", MIR_HOOK_ARMED, 0, why);/
