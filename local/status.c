/* SPDX-License-Identifier: ISC */
#include "status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"
#include "dir.h"

static json_t *process_to_json(const struct mir_process *process)
{
    return json_pack("{s:i,s:I,s:s}", "pid", (int)process->pid, "start_ticks",
                     (json_int_t)process->start_ticks, "boot_id", process->boot_id);
}

char *local_status_text(const struct local_status *status)
{
    json_t *json = json_pack(
        "{s:s,s:o,s:o,s:I,s:I,s:s,s:I,s:I,s:I,s:s}", "state",
        mir_instance_state_name(status->state), "keeper", process_to_json(&status->keeper), "guest",
        process_to_json(&status->guest), "deadline_s", (json_int_t)status->deadline_s, "expires_s",
        (json_int_t)status->expires_s, "signature", status->signature, "started_ms",
        (json_int_t)status->started_ms, "first_output_ms", (json_int_t)status->first_output_ms,
        "ended_ms", (json_int_t)status->ended_ms, "end_reason", status->end_reason);
    char *text = mir_json_text(json);
    json_decref(json);
    return text;
}

static int read_process(json_t *json, struct mir_process *ret)
{
    int pid;
    json_int_t start_ticks;
    const char *boot_id;
    if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:i,s:I,s:s}", "pid", &pid, "start_ticks",
                       &start_ticks, "boot_id", &boot_id) ||
        pid < 0 || start_ticks < 0 || mir_copy(ret->boot_id, sizeof ret->boot_id, boot_id))
        return -1;
    ret->pid = pid;
    ret->start_ticks = (uint64_t)start_ticks;
    return 0;
}

static int read_state(const char *name, enum mir_instance_state *ret)
{
    for (int i = MIR_INSTANCE_STARTING; i <= MIR_INSTANCE_ENDED; i++) {
        if (strcmp(mir_instance_state_name((enum mir_instance_state)i), name))
            continue;
        *ret = (enum mir_instance_state)i;
        return 0;
    }
    return -1;
}

static int read_status(json_t *json, struct local_status *status)
{
    const char *state, *end_reason, *signature = "";
    json_t *keeper, *guest;
    json_int_t deadline_s, expires_s = 0, started_ms, first_output_ms, ended_ms;
    if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:s,s:o,s:o,s:I,s?I,s?s,s:I,s:I,s:I,s:s}",
                       "state", &state, "keeper", &keeper, "guest", &guest, "deadline_s",
                       &deadline_s, "expires_s", &expires_s, "signature", &signature, "started_ms",
                       &started_ms, "first_output_ms", &first_output_ms, "ended_ms", &ended_ms,
                       "end_reason", &end_reason) ||
        read_state(state, &status->state) || read_process(keeper, &status->keeper) ||
        read_process(guest, &status->guest) ||
        mir_copy(status->signature, sizeof status->signature, signature) ||
        mir_copy(status->end_reason, sizeof status->end_reason, end_reason))
        return -1;
    status->deadline_s = deadline_s;
    status->expires_s = expires_s;
    status->started_ms = started_ms;
    status->first_output_ms = first_output_ms;
    status->ended_ms = ended_ms;
    return 0;
}

int local_status_parse(const char *text, size_t len, struct local_status *ret,
                       struct mir_error *err)
{
    json_t *json = mir_json_parse(text, len, LOCAL_JSON_MAX, err);
    if (!json)
        return mir_error_wrap(err, LOCAL_STATUS_FILE);
    struct local_status status = {0};
    int rc = read_status(json, &status);
    if (rc)
        mir_fail(err, MIR_CORRUPT, LOCAL_STATUS_FILE " is not what this program writes");
    else
        *ret = status;
    json_decref(json);
    return rc;
}

int local_status_load(int dir_fd, struct local_status *ret, struct mir_error *err)
{
    char path[LOCAL_FD_PATH];
    mir_auto_free char *text = NULL;
    size_t len;
    local_fd_path(dir_fd, LOCAL_STATUS_FILE, path);
    if (mir_file_read(path, LOCAL_JSON_MAX, &text, &len, err))
        return -1;
    return local_status_parse(text, len, ret, err);
}

int local_status_save(int dir_fd, const struct local_status *status, bool durable,
                      struct mir_error *err)
{
    mir_auto_free char *text = local_status_text(status);
    if (!durable)
        return local_dir_replace(dir_fd, LOCAL_STATUS_FILE, text, err);
    return mir_file_write_at(dir_fd, LOCAL_STATUS_FILE, text, strlen(text), 0600, err);
}
