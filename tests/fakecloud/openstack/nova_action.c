/* SPDX-License-Identifier: ISC */
/* What is done with a server that is there: its name, its end, actions, and their log. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "neutron.h"
#include "nova.h"
#include "os_wording.h"

/* --- words for refusals --- */

static int wrong_state(const struct fc_call *call, struct fc_refusal *refusal, const char *what,
                       const struct fc_object *server)
{
    const char *task = fos_server_task(server->doc);
    return fos_refuse(call, refusal, 409, "Cannot '%s' instance %s while it is in %s %s", what,
                      server->id, *task ? "task_state" : "vm_state",
                      *task ? task : fos_server_vm(server->doc));
}

static int check_unlocked(const struct fc_call *call, const struct fc_object *server,
                          struct fc_refusal *refusal)
{
    return json_is_true(fc_at(server->doc, "locked")) && !(fos_of(call)->roles & FOS_ADMIN)
               ? fos_refuse(call, refusal, 409, "Instance %s is locked", server->id)
               : 0;
}

static bool is_in(const struct fc_object *server, const char *vm)
{
    return !strcmp(fos_server_vm(server->doc), vm) && !*fos_server_task(server->doc);
}

static void begin(struct fc_call *call, struct fc_object *server, const char *task,
                  const char *action, int64_t ms)
{
    fos_server_state(call->world, server, fos_server_vm(server->doc), task, &call->cause);
    fos_server_note(call->world, server, action, fos_of(call)->user, &call->cause);
    server->due_ms = call->now_ms + ms;
}

/* --- its end --- */

/* Accepted in any state, and again when it is under way: each time it is tried anew. */
static void delete_server(struct fc_call *call, struct fc_object *server, const char *action)
{
    begin(call, server, "deleting", action, call->world->settings.shutdown_ms);
    json_object_set_new(server->doc, "_delete_token", json_string(fos_of(call)->token));
    json_object_set_new(server->doc, "_delete_call", json_string("nova.DeleteServer"));
    json_object_set_new(server->doc, "_delete_request", json_string(call->request_id));
}

int fos_server_delete(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (fos_server_find(call, call->segments[0], &server, refusal) ||
        check_unlocked(call, server, refusal))
        return -1;
    delete_server(call, server, "delete");
    return 0;
}

/* --- its name --- */

/* Until 2.75 without what extensions add. */
static json_t *show_updated(const struct fc_call *call, const struct fc_object *server,
                            const json_t *doc)
{
    static const char *const later[] = {"key_name", "config_drive", "security_groups",
                                        "os-extended-volumes:volumes_attached"};
    json_t *shown = fos_server_show(call, server, doc);
    const char *name;
    json_t *value;
    void *next;
    if (fos_of(call)->minor >= 75)
        return shown;
    for (size_t i = 0; i < MIR_NELEMS(later); i++)
        json_object_del(shown, later[i]);
    json_object_foreach_safe(shown, next, name, value)
    {
        if (!strncmp(name, "OS-EXT-", 7) || !strncmp(name, "OS-SRV-", 7))
            json_object_del(shown, name);
    }
    json_object_set_new(shown, "addresses", fos_server_plain(call, server));
    return shown;
}

int fos_server_update(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const char *const older[] = {"name", "accessIPv4", "accessIPv6", "OS-DCF:diskConfig",
                                        NULL};
    static const char *const newer[] = {
        "name", "accessIPv4", "accessIPv6", "OS-DCF:diskConfig", "description", NULL};
    const json_t *said = fos_wrapped(call, "server");
    const char *stranger = fos_stranger(said, fos_of(call)->minor >= 19 ? newer : older);
    struct fc_object *server;
    if (!said || stranger)
        return fos_refuse(call, refusal, 400,
                          "Invalid input for field/attribute server. Additional properties are not "
                          "allowed ('%.60s' was unexpected)",
                          stranger ? stranger : "");
    if (fos_server_find(call, call->segments[0], &server, refusal))
        return -1;
    json_t *doc = fos_edit(call, server);
    if (json_is_string(fc_at(said, "name")))
        json_object_set(doc, "name", fc_at(said, "name"));
    if (fc_at(said, "description"))
        json_object_set(doc, "description", fc_at(said, "description"));
    json_object_set_new(doc, "updated", fos_time(call->now_ms));
    *ret_reply = json_pack("{s:o}", "server", show_updated(call, server, doc));
    return 0;
}

/* --- actions --- */

typedef int action_fn(struct fc_call *call, struct fc_object *server, const json_t *said,
                      json_t **ret_reply, struct fc_refusal *refusal);

static int start(struct fc_call *call, struct fc_object *server, const json_t *said,
                 json_t **ret_reply, struct fc_refusal *refusal)
{
    if (!is_in(server, "stopped"))
        return wrong_state(call, refusal, "start", server);
    begin(call, server, "powering-on", "start", call->world->settings.boot_ms);
    return 0;
}

/* A guest that does not listen is given os_stop_ms, then its power is cut. */
static int stop(struct fc_call *call, struct fc_object *server, const json_t *said,
                json_t **ret_reply, struct fc_refusal *refusal)
{
    if (!is_in(server, "active") && !is_in(server, "error"))
        return wrong_state(call, refusal, "stop", server);
    begin(call, server, "powering-off", "stop", call->world->settings.os_stop_ms);
    return 0;
}

static int reboot(struct fc_call *call, struct fc_object *server, const json_t *said,
                  json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *type = fos_text(said, "type", "");
    bool hard = !strcasecmp(type, "HARD");
    if (!hard && strcasecmp(type, "SOFT") != 0)
        return fos_refuse(call, refusal, 400,
                          "Invalid input for field/attribute type. Value: %.20s", type);
    if (!is_in(server, "active") && !(hard && is_in(server, "stopped")))
        return wrong_state(call, refusal, "reboot", server);
    begin(call, server, hard ? "rebooting_hard" : "rebooting", "reboot",
          call->world->settings.boot_ms);
    json_object_set_new(server->doc, "_restart", json_true());
    return 0;
}

static int force_delete(struct fc_call *call, struct fc_object *server, const json_t *said,
                        json_t **ret_reply, struct fc_refusal *refusal)
{
    delete_server(call, server, "forceDelete");
    return 0;
}

static int lock(struct fc_call *call, struct fc_object *server, const json_t *said,
                json_t **ret_reply, struct fc_refusal *refusal)
{
    json_object_set_new(fos_edit(call, server), "locked", json_true());
    return 0;
}

static int unlock(struct fc_call *call, struct fc_object *server, const json_t *said,
                  json_t **ret_reply, struct fc_refusal *refusal)
{
    json_object_set_new(fos_edit(call, server), "locked", json_false());
    return 0;
}

/* The last `length` lines; without a number all of them. As Nova counts, an end of line at the very
 * end begins one more. */
static const char *last_lines(const char *text, const json_t *length)
{
    json_int_t wanted = json_is_integer(length) ? json_integer_value(length) : -1;
    const char *at = text + strlen(text);
    if (json_is_string(length))
        wanted = strtoll(json_string_value(length), NULL, 10);
    if (wanted < 0)
        return text;
    while (at > text && wanted > 0 && (at[-1] != '\n' || --wanted > 0))
        at--;
    return at;
}

static int console(struct fc_call *call, struct fc_object *server, const json_t *said,
                   json_t **ret_reply, struct fc_refusal *refusal)
{
    if (!strcmp(fos_server_vm(server->doc), "building"))
        return fos_refuse(call, refusal, 409, "Instance %s is not ready", server->id);
    if (!fos_server_runs(server->doc))
        return fos_refuse(call, refusal, 404, "Guest does not have a console available.");
    *ret_reply = json_pack("{s:s}", "output",
                           last_lines(fc_text_at(server->doc, "_console"), fc_at(said, "length")));
    return 0;
}

/* All ports of the server get the group, or lose it. */
static int change_group(struct fc_call *call, struct fc_object *server, const json_t *said,
                        bool add, struct fc_refusal *refusal)
{
    unsigned count;
    const char *name = fos_text(said, "name", "");
    const struct fc_object *group = fos_group_named(call, name, &count);
    if (!group)
        return fos_refuse(call, refusal, 404, "Security group %.255s not found for project %s",
                          name, fos_of(call)->project);
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, fos_ports.kind, call->region));) {
        json_t *left = json_array(), *id;
        size_t i;
        if (strcmp(fc_text_at(o->doc, "device_id"), server->id) != 0) {
            json_decref(left);
            continue;
        }
        json_array_foreach(fc_at(o->doc, "security_groups"), i, id)
        {
            if (strcmp(json_string_value(id), group->id) != 0)
                json_array_append(left, id);
        }
        if (add)
            json_array_append_new(left, json_string(group->id));
        json_object_set_new(fos_edit(call, o), "security_groups", left);
    }
    return 0;
}

static int add_group(struct fc_call *call, struct fc_object *server, const json_t *said,
                     json_t **ret_reply, struct fc_refusal *refusal)
{
    return change_group(call, server, said, true, refusal);
}

static int remove_group(struct fc_call *call, struct fc_object *server, const json_t *said,
                        json_t **ret_reply, struct fc_refusal *refusal)
{
    return change_group(call, server, said, false, refusal);
}

static const struct {
    const char *name;
    action_fn *run;
    bool locked_too; /* also when the server is locked */
    int status;
} actions[] = {
    {"os-start", start, false, 202},
    {"os-stop", stop, false, 202},
    {"reboot", reboot, false, 202},
    {"forceDelete", force_delete, false, 202},
    {"lock", lock, true, 202},
    {"unlock", unlock, true, 202},
    {"os-getConsoleOutput", console, true, 200},
    {"addSecurityGroup", add_group, true, 202},
    {"removeSecurityGroup", remove_group, true, 202},
};

/* What this cloud's operator lets nobody but himself do: the name of the rule. */
static int forbidden(const struct fc_call *call, const char *name, struct fc_refusal *refusal)
{
    static const struct {
        const char *action, *rule;
    } rows[] = {{"resize", "servers:resize"},
                {"confirmResize", "servers:confirm_resize"},
                {"revertResize", "servers:revert_resize"},
                {"rebuild", "servers:rebuild"},
                {"createImage", "servers:create_image"},
                {"migrate", "os-migrate-server:migrate"},
                {"os-migrateLive", "os-migrate-server:migrate_live"},
                {"os-resetState", "os-admin-actions:reset_state"}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (!strcmp(rows[i].action, name))
            return fos_refuse(call, refusal, 403,
                              "Policy doesn't allow os_compute_api:%s to be performed.",
                              rows[i].rule);
    return 0;
}

int fos_server_action(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    const char *name = json_object_iter_key(json_object_iter(call->params));
    size_t i = 0;
    if (json_object_size(call->params) != 1)
        return fos_refuse(call, refusal, 400, "There is no such action: one has to be named.");
    if (fos_server_find(call, call->segments[0], &server, refusal))
        return -1;
    if (forbidden(call, name, refusal))
        return -1;
    while (i < MIR_NELEMS(actions) && strcmp(actions[i].name, name) != 0)
        i++;
    if (i == MIR_NELEMS(actions))
        return fos_refuse(call, refusal, 400, "There is no such action: %.60s", name);
    if (!actions[i].locked_too && check_unlocked(call, server, refusal))
        return -1;
    call->reply->status = actions[i].status;
    return actions[i].run(call, server, json_object_get(call->params, name), ret_reply, refusal);
}

/* --- the log of actions --- */

int fos_server_actions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    json_t *rows = NULL, *row;
    size_t i;
    if (fos_server_find(call, call->segments[0], &server, refusal))
        return -1;
    rows = json_array();
    json_array_foreach(fc_at(server->doc, "_actions"), i, row)
    {
        json_t *shown = fos_public(row);
        if (fos_of(call)->minor >= 58)
            json_object_set(shown, "updated_at", json_object_get(shown, "start_time"));
        json_array_append_new(rows, shown);
    }
    *ret_reply = json_pack("{s:o}", "instanceActions", rows);
    return 0;
}

int fos_server_one_action(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    json_t *row;
    size_t i;
    if (fos_server_find(call, call->segments[0], &server, refusal))
        return -1;
    json_array_foreach(fc_at(server->doc, "_actions"), i, row)
    {
        if (strcmp(fc_text_at(row, "request_id"), call->segments[1]) != 0)
            continue;
        json_t *shown = fos_public(row);
        if (fos_of(call)->minor >= 51)
            json_object_set_new(
                shown, "events",
                json_pack("[{s:o,s:O,s:O,s:s}]", "event",
                          json_sprintf("compute_%s_instance", fc_text_at(row, "action")),
                          "start_time", fc_at(row, "start_time"), "finish_time",
                          fc_at(row, "start_time"), "result", "Success"));
        *ret_reply = json_pack("{s:o}", "instanceAction", shown);
        return 0;
    }
    return fos_refuse(call, refusal, 404, "Action for request_id %.64s on instance %s not found",
                      call->segments[1], server->id);
}
