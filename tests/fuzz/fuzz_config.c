/* SPDX-License-Identifier: ISC */
/* Configuration files are written by people, and may be anything: load, and ask for what is there.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/config.h"
#include "api/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("config", MFD_CLOEXEC);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct mir_config *config = NULL;
    struct mir_error err = {0};
    if (mir_write_all(fd, data, size))
        abort();
    if (!mir_config_load_file(path, &config, &err)) {
        size_t count = 0;
        const struct mir_config_entry *entries = mir_config_entries(config, &count);
        for (size_t i = 0; i < count; i++)
            if (!mir_config_get(config, entries[i].section, entries[i].key) || !entries[i].line)
                abort();
        mir_config_free(config);
    } else if (!err.kind || !*err.text) {
        abort(); /* every failure says why */
    }
    close(fd);
    return 0;
}
