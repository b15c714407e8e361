# sweep_judge.c, entry of a cloud that lost its tags: what no record knows is left alone. The store
# never forgets in the simulator, so it is the recorded ones that are dropped as unknown here.
s/^    if (!known)$/    if (!known || known->finished_s)/
s/^        return MIRD_END;$/        return MIRD_KEEP;/
