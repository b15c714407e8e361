/* SPDX-License-Identifier: ISC */
/*
 * A server's states, and what time does to it. What Nova does later counts as calls of its own,
 * "nova.Build" and "nova.Terminate", so that faults may strike there: failed is an error, hanging
 * is for ever.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/memory.h"
#include "blob.h"
#include "cinder.h"
#include "mistral.h"
#include "neutron.h"
#include "nova.h"

#define ACTIONS_KEPT 100
#define CONSOLE_MAX ((size_t)256 << 10)

enum { NO_STATE = 0, RUNNING = 1, SHUTDOWN = 4 };

/* --- states --- */

const char *fos_server_vm(const json_t *doc)
{
    return fc_text_at(doc, "OS-EXT-STS:vm_state");
}

const char *fos_server_task(const json_t *doc)
{
    return fc_text_at(doc, "OS-EXT-STS:task_state");
}

static const char *status_of(const char *vm, const char *task)
{
    static const char *const rows[][2] = {
        {"building", "BUILD"}, {"active", "ACTIVE"}, {"stopped", "SHUTOFF"}, {"error", "ERROR"}};
    if (!strcmp(vm, "active") && !strcmp(task, "rebooting"))
        return "REBOOT";
    if (!strcmp(vm, "active") && strstr(task, "reboot"))
        return "HARD_REBOOT";
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (!strcmp(rows[i][0], vm))
            return rows[i][1];
    return "UNKNOWN";
}

void fos_server_state(struct fc_world *world, struct fc_object *server, const char *new_vm,
                      const char *new_task, const struct fc_cause *cause)
{
    char vm[32], task[32]; /* they may stand in the document itself */
    mir_copy(vm, sizeof vm, new_vm);
    mir_copy(task, sizeof task, new_task);
    json_t *doc = fc_store_edit(world->store, server, cause->now_ms, world->settings.stale_ms);
    int power = !strcmp(vm, "active") ? RUNNING : !strcmp(vm, "stopped") ? SHUTDOWN : NO_STATE;
    json_object_set_new(doc, "OS-EXT-STS:vm_state", json_string(vm));
    json_object_set_new(doc, "OS-EXT-STS:task_state", *task ? json_string(task) : json_null());
    json_object_set_new(doc, "OS-EXT-STS:power_state", json_integer(power));
    json_object_set_new(doc, "status", json_string(status_of(vm, task)));
    json_object_set_new(doc, "updated", fos_time(cause->now_ms));
}

bool fos_server_runs(const json_t *doc)
{
    return !strcmp(fos_server_vm(doc), "active") && !json_is_true(fc_at(doc, "_off"));
}

void fos_server_fail(struct fc_world *world, struct fc_object *server, int code,
                     const char *message, const struct fc_cause *cause)
{
    fos_server_state(world, server, "error", "", cause);
    json_object_set_new(server->doc, "fault",
                        json_pack("{s:i,s:o,s:s}", "code", code, "created", fos_time(cause->now_ms),
                                  "message", message));
    server->due_ms = 0;
}

/* --- what was done --- */

void fos_server_note(struct fc_world *world, struct fc_object *server, const char *action,
                     const char *user, const struct fc_cause *cause)
{
    char start[MIR_TIME_SIZE];
    json_t *actions = fos_array(fc_at(server->doc, "_actions"));
    mir_time_format(cause->now_ms / 1000, start);
    json_array_insert_new(
        actions, 0,
        json_pack("{s:s,s:s,s:o,s:s,s:O,s:o,s:n,s:s}", "action", action, "instance_uuid",
                  server->id, "request_id", json_sprintf("req-%s", cause->request), "user_id", user,
                  "project_id", fc_at(server->doc, "_project"), "start_time",
                  json_sprintf("%.19s.000000", start), "message", "_what", action));
    while (json_array_size(actions) > ACTIONS_KEPT)
        json_array_remove(actions, json_array_size(actions) - 1);
    json_object_set_new(server->doc, "_actions", actions);
    fc_store_touch(world->store, server);
}

/* --- its machine --- */

void fos_server_console(struct fc_world *world, struct fc_object *server, const char *text,
                        int64_t now_ms)
{
    struct mir_buf all;
    const char *before = fc_text_at(server->doc, "_console");
    size_t more = strlen(text), keep = strlen(before);
    mir_buf_init(&all, 2 * CONSOLE_MAX);
    if (more > CONSOLE_MAX)
        text += more - CONSOLE_MAX;
    if (keep + more > CONSOLE_MAX)
        before += keep < keep + more - CONSOLE_MAX ? keep : keep + more - CONSOLE_MAX;
    mir_buf_adds(&all, before);
    mir_buf_adds(&all, text);
    json_object_set_new(fc_store_edit(world->store, server, now_ms, 0), "_console",
                        json_string(mir_buf_text(&all)));
    mir_buf_clear(&all);
}

/* Nova takes some seconds to see that a guest has gone. */
void fos_server_powered_off(struct fc_world *world, struct fc_object *server,
                            const struct fc_cause *cause)
{
    if (!fos_server_runs(server->doc) || *fos_server_task(server->doc))
        return;
    json_object_set_new(fc_store_edit(world->store, server, cause->now_ms, 0), "_off", json_true());
    server->due_ms = cause->now_ms + world->settings.os_power_off_ms;
}

/* --- building --- */

/* The bytes have to be of the format that is claimed: since 2024 Nova looks. */
static const char *image_trouble(const struct fc_world *world, const struct fc_object *image)
{
    const char *format = fc_text_at(image->doc, "disk_format");
    unsigned char head[4] = {0};
    mir_auto_close int fd = fc_blob_open(world, fc_text_at(image->doc, "_file"));
    bool qcow2 = fd >= 0 && pread(fd, head, 4, 0) == 4 && !memcmp(head, "QFI\xfb", 4);
    if (!strcmp(format, "qcow2") ? qcow2 : !strcmp(format, "raw") && !qcow2)
        return NULL;
    if (!strcmp(format, "vmdk") || !strcmp(format, "vhd") || !strcmp(format, "vdi") ||
        !strcmp(format, "iso") || !strcmp(format, "vhdx") || !strcmp(format, "ploop"))
        return NULL; /* not looked at here */
    return "Image content does not match disk_format";
}

static const struct fc_object *image_of(const struct fc_world *world, const char *region,
                                        const char *id)
{
    const struct fc_object *image = fc_store_get(world->store, "os-image", region, id);
    return image && !strcmp(fc_text_at(image->doc, "status"), "active") ? image : NULL;
}

/* Why the image cannot be booted; owned, NULL: it can. */
static char *check_image(const struct fc_world *world, const struct fc_object *server)
{
    const char *id = fc_text_at(server->doc, "image");
    const struct fc_object *image = image_of(world, server->region, id);
    const char *kernel = image ? fc_text_at(image->doc, "kernel_id") : "";
    if (!image)
        return mir_format("Build of instance %s aborted: Image %s could not be found.", server->id,
                          id);
    const char *trouble = image_trouble(world, image);
    if (trouble)
        return mir_format("Build of instance %s aborted: Image %s is unacceptable: %s", server->id,
                          id, trouble);
    if (*kernel && !image_of(world, server->region, kernel))
        return mir_format("Build of instance %s aborted: Image %s could not be found.", server->id,
                          kernel);
    return NULL;
}

/* Ports are made, or taken; false: no address is left. */
static bool plug(struct fc_world *world, struct fc_object *server, const struct fc_cause *cause)
{
    size_t i;
    json_t *one;
    json_array_foreach(fc_at(server->doc, "_networks"), i, one)
    {
        const char *port_id = fc_text_at(one, "port"), *network_id = fc_text_at(one, "network");
        struct fc_object *port =
            *port_id ? fc_store_get(world->store, fos_ports.kind, server->region, port_id) : NULL;
        struct fc_object *network =
            fc_store_get(world->store, fos_networks.kind, server->region, network_id);
        if (port)
            fos_port_bind(world, port, server, cause);
        else if (!network || !fos_port_plug(world, server, network, fc_at(server->doc, "_groups"),
                                            fos_text(one, "address", NULL), cause))
            return false;
    }
    return true;
}

static void become_active(struct fc_world *world, struct fc_object *server,
                          const struct fc_cause *cause)
{
    char now[MIR_TIME_SIZE];
    mir_time_format(cause->now_ms / 1000, now);
    fos_server_state(world, server, "active", "", cause);
    json_object_set_new(server->doc, "_launched_at", json_sprintf("%.19s.000000", now));
    server->due_ms = 0;
}

static void fail_build(struct fc_world *world, struct fc_object *server, const char *message,
                       const struct fc_cause *cause)
{
    fos_ports_free(world, server, cause);
    fos_server_fail(world, server, 500, message, cause);
}

/* The scheduler has found a host. */
static void begin_build(struct fc_world *world, struct fc_object *server,
                        const struct fc_cause *cause)
{
    struct fc_fault fault;
    fos_step(world, "nova", "Build", server, cause, &fault);
    if (fault.when && fault.act == FC_ACT_HANG)
        return; /* BUILD, for ever */
    if (fault.when == FC_FAULT_BEFORE) {
        fail_build(world, server, "No valid host was found. ", cause);
        return;
    }
    if (!plug(world, server, cause)) {
        fail_build(world, server, "Failed to allocate the network(s), not rescheduling.", cause);
        return;
    }
    if (fault.when) { /* it got that far */
        fail_build(world, server, "Build of instance aborted: a scripted fault", cause);
        return;
    }
    fos_server_state(world, server, "building", "spawning", cause);
    json_object_set(server->doc, "hostId", fc_at(server->doc, "_host"));
    server->due_ms = cause->now_ms + world->settings.boot_ms / 3;
}

static void build(struct fc_world *world, struct fc_object *server, const char *task,
                  const struct fc_cause *cause)
{
    if (!strcmp(task, "scheduling")) {
        fos_server_state(world, server, "building", "networking", cause);
        server->due_ms = cause->now_ms + world->settings.boot_ms / 3;
        return;
    }
    if (!strcmp(task, "networking")) {
        begin_build(world, server, cause);
        return;
    }
    mir_auto_free char *trouble = check_image(world, server);
    if (trouble)
        fail_build(world, server, trouble, cause);
    else
        become_active(world, server, cause);
}

/* --- ending --- */

static bool may_speak(const struct fc_world *world, const struct fc_object *server, int64_t now_ms)
{
    const char *token = fc_text_at(server->doc, "_delete_token");
    return !*token || fos_token_find(world, token, now_ms) != NULL;
}

static bool has_ports(const struct fc_world *world, const struct fc_object *server)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, fos_ports.kind, server->region));)
        if (!strcmp(fc_text_at(o->doc, "device_id"), server->id))
            return true;
    return false;
}

/* Nova asks Neutron to remove the ports with the token of whoever deleted the server. When that
 * has ended meanwhile, the server stays, in ERROR. */
static void terminate(struct fc_world *world, struct fc_object *server,
                      const struct fc_cause *cause)
{
    struct fc_fault fault;
    char request[96], by_call[64];
    fos_step(world, "nova", "Terminate", server, cause, &fault);
    if (!world->settings.os_deletes || (fault.when && fault.act == FC_ACT_HANG))
        return; /* "deleting", for ever */
    if (fault.when == FC_FAULT_BEFORE) {
        fos_server_fail(world, server, 500, "a scripted fault", cause);
        return;
    }
    if (has_ports(world, server) && !may_speak(world, server, cause->now_ms)) {
        fos_server_fail(world, server, 500,
                        "Networking client is experiencing an unauthorized exception.", cause);
        return;
    }
    snprintf(request, sizeof request, "%.80s", fc_text_at(server->doc, "_delete_request"));
    mir_copy(by_call, sizeof by_call, fos_text(server->doc, "_delete_call", "nova.DeleteServer"));
    const struct fc_cause by = {by_call, *request ? request : cause->request, cause->now_ms};
    fos_ports_free(world, server, &by);
    fos_volumes_free(world, server, &by);
    fos_server_state(world, server, "deleted", "", &by);
    json_object_set_new(server->doc, "status", json_string("DELETED"));
    fc_store_gone(world->store, server, &by, 0);
}

bool fos_server_delete_by(struct fc_world *world, const char *region, const char *id,
                          const char *project, const char *token, const struct fc_cause *cause)
{
    struct fc_object *server = fc_store_get(world->store, FOS_SERVER, region, id);
    if (!server || server->gone_ms || strcmp(fc_text_at(server->doc, "_project"), project) != 0)
        return false;
    fos_server_state(world, server, fos_server_vm(server->doc), "deleting", cause);
    json_object_set_new(server->doc, "_delete_token", json_string(token));
    json_object_set_new(server->doc, "_delete_call", json_string(cause->call));
    json_object_set_new(server->doc, "_delete_request", json_string(cause->request));
    server->due_ms = cause->now_ms + world->settings.shutdown_ms;
    return true;
}

void fos_tick_server(struct fc_world *world, struct fc_object *server, const struct fc_cause *cause)
{
    char vm[32], task[32];
    mir_copy(vm, sizeof vm, fos_server_vm(server->doc));
    mir_copy(task, sizeof task, fos_server_task(server->doc));
    if (server->gone_ms)
        return;
    if (!strcmp(task, "deleting")) {
        terminate(world, server, cause);
    } else if (!strcmp(vm, "building")) {
        build(world, server, task, cause);
    } else if (!strcmp(task, "powering-off")) {
        fos_server_state(world, server, "stopped", "", cause);
        json_object_del(server->doc, "_off");
    } else if (!strcmp(task, "powering-on") || strstr(task, "reboot")) {
        fos_server_state(world, server, "active", "", cause);
        json_object_del(server->doc, "_off");
        json_object_del(server->doc, "_restart");
    } else if (json_is_true(fc_at(server->doc, "_off"))) {
        fos_server_state(world, server, "stopped", "", cause);
        json_object_del(server->doc, "_off");
        fos_server_note(world, server, "stop", fc_text_at(server->doc, "user_id"), cause);
    }
}
