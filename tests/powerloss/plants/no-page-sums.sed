s/return SQLITE_IOERR_DATA;/return SQLITE_OK;/
