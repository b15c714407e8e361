/* SPDX-License-Identifier: ISC */
/* What the tests of local/ share: cmocka's head, a directory of their own, a complete spec. */
#ifndef LOCAL_HELP_H
#define LOCAL_HELP_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/file.h"
#include "api/memory.h"
#include "spec.h"

#define LOCAL_TOKEN "00112233445566778899aabbccddeeff"

struct local_place {
    char path[64];
    int dir_fd;
};

static inline int local_place_make(void **state)
{
    struct local_place *place = mir_calloc(1, sizeof *place);
    snprintf(place->path, sizeof place->path, "/tmp/mirage-local-XXXXXX");
    if (!mkdtemp(place->path))
        return -1;
    place->dir_fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = place;
    return 0;
}

static inline int local_place_drop(void **state)
{
    struct local_place *place = *state;
    close(place->dir_fd);
    int rc = mir_dir_remove_at(AT_FDCWD, place->path, NULL);
    free(place);
    return rc;
}

static inline int local_place_fd(void **state)
{
    return ((struct local_place *)*state)->dir_fd;
}

static inline void local_put(int dir_fd, const char *name, const void *data, size_t len)
{
    assert_int_equal(mir_file_write_at(dir_fd, name, data, len, 0600, NULL), 0);
}

static inline struct local_spec local_some_spec(void)
{
    return (struct local_spec){.name = "site",
                               .tags = {.installation = "ffeeddccbbaa99887766554433221100",
                                        .deployment = LOCAL_TOKEN,
                                        .expires_s = 1800000000,
                                        .signature = "abc"},
                               .deadline_s = 1800000600,
                               .how = LOCAL_HOW_QEMU_KERNEL,
                               .program = "/usr/bin/qemu-system-x86_64",
                               .kernel = "/var/lib/kernels/a,b c.elf",
                               .machine = "pc",
                               .accelerator = "tcg",
                               .sandbox = true,
                               .memory_bytes = (64 << 20) + 1,
                               .nic_count = 1,
                               .port_count = 2,
                               .ports = {{"127.0.0.1", 8080, 80}, {"0.0.0.0", 8443, 443}},
                               .arguments = "name=site token=secret"};
}

#define LOCAL_IN_PLACE(fn) cmocka_unit_test_setup_teardown(fn, local_place_make, local_place_drop)

#endif
