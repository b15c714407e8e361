/* SPDX-License-Identifier: ISC */
/* The console: a copy of its last 64 KiB at most, which EC2 takes when the state changes, and on
 * Nitro types when it is asked for. */
#include <string.h>

#include "api/memory.h"
#include "cloud.h"
#include "machines.h"

static int read_console(struct ec2_session *session, const struct ec2_instance *row,
                        int64_t until_ms, struct ec2_console *ret, struct mir_error *err)
{
    struct ec2_machine machine;
    bool nitro =
        !ec2_machine_named(row->type, &machine, NULL) && strncmp(machine.family, "xen-", 4) != 0;
    const struct ec2_console_args args = {.id = row->id, .latest = nitro};
    return ec2_get_console_output(session, &args, until_ms, ret, err);
}

/* The copy begins at the beginning as long as it is shorter than what is kept; afterwards its
 * beginning moves, and what has been read of it is not read again. */
static int hand_over(const struct ec2_console *console, uint64_t offset, struct mir_buf *out,
                     uint64_t *ret_next, struct mir_error *err)
{
    size_t room = out->max - out->len;
    size_t fresh = console->len > offset ? (size_t)(console->len - offset) : 0;
    size_t len = fresh < room ? fresh : room;
    if (len && mir_buf_add(out, console->text + offset, len))
        return mir_fail(err, MIR_INTERNAL, "no room for the console");
    *ret_next = offset + len;
    return 0;
}

int cloud_instance_console(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
                           uint64_t *ret_next, struct mir_error *err)
{
    struct cloud *cloud = ctx;
    struct ec2_session *session;
    const struct ec2_instance *row;
    struct ec2_instances found = {.rows = NULL};
    struct ec2_console console = {.text = NULL};
    if (cloud_find_session(cloud, token, &session, err))
        return -1;
    int64_t until_ms = ec2_until(session, CLOUD_LOOK_MS);
    if (cloud_find_instance(cloud, session, token, until_ms, &found, &row, err))
        return -1;
    int rc = row ? read_console(session, row, until_ms, &console, err)
                 : mir_fail(err, MIR_NOT_FOUND, "there is no instance of %s", token);
    ec2_instances_clear(&found);
    if (!rc)
        rc = hand_over(&console, offset, out, ret_next, err);
    ec2_console_clear(&console);
    return rc;
}
