s/if (!wal->file->pMethods->xWrite(wal->file, bytes, (int)len, at))/if (!bytes || len >= 0 || at < 0)/
