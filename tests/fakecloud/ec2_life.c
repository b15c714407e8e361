/* SPDX-License-Identifier: ISC */
#include "ec2_life.h"

#include <stdio.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"

enum {
    PENDING = 0,
    RUNNING = 16,
    SHUTTING_DOWN = 32,
    TERMINATED = 48,
    STOPPING = 64,
    STOPPED = 80
};

static void set_state(struct fc_world *world, struct fc_object *instance, int code, int64_t due_ms,
                      const struct fc_cause *cause)
{
    json_t *doc = fc_ec2_edit_at(world, instance, cause->now_ms);
    json_t *console = fc_at(doc, "_console");
    json_object_set_new(doc, "instanceState", fc_instance_state(code));
    if (console) { /* what is told of the console without asking for the latest */
        json_object_set(doc, "_consoleKept", console);
        json_object_set_new(doc, "_consoleKeptAt", json_integer(cause->now_ms));
    }
    instance->due_ms = due_ms;
}

/* "User initiated (2026-11-29 15:20:45 GMT)" */
static void set_reason(json_t *doc, const char *code, const char *message, int64_t now_ms)
{
    char time[MIR_TIME_SIZE];
    mir_time_format(now_ms / 1000, time);
    mir_auto_free char *text = mir_format("User initiated (%.10s %.8s GMT)", time, time + 11);
    json_object_set_new(doc, "reason", json_string(text));
    json_object_set_new(
        doc, "stateReason",
        json_pack("{s:s,s:o}", "code", code, "message", json_sprintf("%s: %s", code, message)));
}

/* --- addresses --- */

static void show_public(json_t *doc, const char *address, const char *region)
{
    mir_auto_free char *dashed = mir_strdup(address);
    for (char *p = dashed; *p; p++)
        if (*p == '.')
            *p = '-';
    json_object_set_new(doc, "ipAddress", json_string(address));
    json_object_set_new(doc, "dnsName",
                        json_sprintf("ec2-%s.%s.compute.amazonaws.com", dashed, region));
}

static void hide_public(json_t *doc)
{
    json_object_del(doc, "ipAddress");
    json_object_set_new(doc, "dnsName", json_string(""));
}

void fc_life_show_address(struct fc_object *instance)
{
    json_t *doc = instance->doc;
    const char *address = fc_text_at(doc, "_elastic");
    if (!*address)
        address = fc_text_at(doc, "_public");
    if (*address && fc_instance_code(doc) == RUNNING)
        show_public(doc, address, instance->region);
    else
        hide_public(doc);
}

/* Elastic addresses stay, but point to nothing. */
static void let_go_addresses(struct fc_world *world, const struct fc_object *instance,
                             const struct fc_cause *cause)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(world->store, o, "elastic-ip", instance->region))) {
        if (strcmp(fc_text_at(o->doc, "instanceId"), instance->id) != 0)
            continue;
        json_t *doc = fc_ec2_edit_at(world, o, cause->now_ms);
        json_object_del(doc, "associationId");
        json_object_del(doc, "networkInterfaceId");
        json_object_del(doc, "privateIpAddress");
        json_object_set_new(doc, "instanceId", json_string(""));
    }
}

/* --- what goes with it --- */

static void end_volume(struct fc_world *world, const struct fc_object *instance,
                       const json_t *device, const struct fc_cause *cause)
{
    struct fc_object *volume =
        fc_store_get(world->store, "volume", instance->region, fc_text_at(device, "ebs.volumeId"));
    if (!volume || volume->gone_ms)
        return;
    if (json_is_true(fc_at(device, "ebs.deleteOnTermination"))) {
        fc_store_gone(world->store, volume, cause, 0);
        return;
    }
    json_t *doc = fc_ec2_edit_at(world, volume, cause->now_ms);
    json_object_set_new(doc, "status", json_string("available"));
    json_object_set_new(doc, "attachmentSet", json_array());
}

static void end_interface(struct fc_world *world, const struct fc_object *instance,
                          const struct fc_cause *cause)
{
    const json_t *card = json_array_get(fc_at(instance->doc, "networkInterfaceSet"), 0);
    struct fc_object *interface = fc_store_get(world->store, "network-interface", instance->region,
                                               fc_text_at(card, "networkInterfaceId"));
    if (!interface || interface->gone_ms)
        return;
    if (json_is_true(fc_at(interface->doc, "attachment.deleteOnTermination"))) {
        fc_store_gone(world->store, interface, cause, 0);
        return;
    }
    json_t *doc = fc_ec2_edit_at(world, interface, cause->now_ms);
    json_object_set_new(doc, "status", json_string("available"));
    json_object_del(doc, "attachment");
    json_object_del(doc, "association");
}

static void end_spot(struct fc_world *world, const struct fc_object *instance,
                     const struct fc_cause *cause)
{
    const char *id = fc_text_at(instance->doc, "spotInstanceRequestId");
    struct fc_object *request =
        *id ? fc_store_get(world->store, "spot-instances-request", instance->region, id) : NULL;
    if (!request || request->gone_ms)
        return;
    json_t *doc = fc_ec2_edit_at(world, request, cause->now_ms);
    json_object_set_new(doc, "state", json_string("closed"));
    fc_store_gone(world->store, request, cause, cause->now_ms + world->settings.shown_ms);
}

/* Time has ended it; the ledger names the call that had it ended. */
static struct fc_cause caller_of(const struct fc_object *instance, const struct fc_cause *time)
{
    const json_t *ended = fc_at(instance->doc, "_ended");
    const char *call = json_string_value(json_array_get(ended, 0));
    const char *request = json_string_value(json_array_get(ended, 1));
    struct fc_cause cause = *time;
    if (call && request) {
        cause.call = call;
        cause.request = request;
    }
    return cause;
}

static void end_instance(struct fc_world *world, struct fc_object *instance,
                         const struct fc_cause *time)
{
    size_t i;
    json_t *device;
    const struct fc_cause called = caller_of(instance, time), *cause = &called;
    json_array_foreach(fc_at(instance->doc, "blockDeviceMapping"), i, device)
    {
        end_volume(world, instance, device, cause);
    }
    end_interface(world, instance, cause);
    end_spot(world, instance, cause);
    set_state(world, instance, TERMINATED, 0, cause);
    json_t *doc = instance->doc;
    hide_public(doc);
    json_object_set_new(doc, "blockDeviceMapping", json_array());
    json_object_set_new(doc, "networkInterfaceSet", json_array());
    json_object_set_new(doc, "groupSet", json_array());
    json_object_del(doc, "privateIpAddress");
    json_object_del(doc, "ipv6Address");
    json_object_del(doc, "subnetId");
    json_object_del(doc, "vpcId");
    fc_store_gone(world->store, instance, cause, cause->now_ms + world->settings.shown_ms);
}

/* --- the states --- */

void fc_life_terminate(struct fc_world *world, struct fc_object *instance, const char *why,
                       const struct fc_cause *cause)
{
    int code = fc_instance_code(instance->doc);
    if (code == SHUTTING_DOWN || code == TERMINATED)
        return;
    let_go_addresses(world, instance, cause);
    set_state(world, instance, SHUTTING_DOWN, cause->now_ms + world->settings.shutdown_ms, cause);
    set_reason(instance->doc, why, "Instance termination", cause->now_ms);
    hide_public(instance->doc);
    json_object_set_new(instance->doc, "_ended", json_pack("[s,s]", cause->call, cause->request));
}

void fc_life_stop(struct fc_world *world, struct fc_object *instance, const char *why,
                  const struct fc_cause *cause)
{
    int code = fc_instance_code(instance->doc);
    if (code != RUNNING && code != PENDING)
        return;
    set_state(world, instance, STOPPING, cause->now_ms + world->settings.shutdown_ms, cause);
    set_reason(instance->doc, why, "Instance stop", cause->now_ms);
    hide_public(instance->doc);
}

void fc_life_start(struct fc_world *world, struct fc_object *instance, const struct fc_cause *cause)
{
    if (fc_instance_code(instance->doc) != STOPPED)
        return;
    set_state(world, instance, PENDING, cause->now_ms + world->settings.boot_ms, cause);
    json_object_set_new(instance->doc, "launchTime", fc_time_json(cause->now_ms));
    json_object_set_new(instance->doc, "reason", json_string(""));
    json_object_del(instance->doc, "stateReason");
}

void fc_life_powered_off(struct fc_world *world, struct fc_object *instance,
                         const struct fc_cause *cause)
{
    static const char why[] = "Client.InstanceInitiatedShutdown";
    if (!strcmp(fc_text_at(instance->doc, "_shutdown"), "terminate"))
        fc_life_terminate(world, instance, why, cause);
    else
        fc_life_stop(world, instance, why, cause);
}

static void run_instance(struct fc_world *world, struct fc_object *instance,
                         const struct fc_cause *cause)
{
    set_state(world, instance, RUNNING, 0, cause);
    json_t *doc = instance->doc;
    fc_life_show_address(instance);
    json_object_set_new(doc, "metadataOptions", json_copy(fc_at(doc, "metadataOptions")));
    json_object_set_new(fc_at(doc, "metadataOptions"), "state", json_string("applied"));
}

void fc_tick_instance(struct fc_world *world, struct fc_object *instance,
                      const struct fc_cause *cause)
{
    switch (fc_instance_code(instance->doc)) {
    case PENDING:
        run_instance(world, instance, cause);
        break;
    case SHUTTING_DOWN:
        end_instance(world, instance, cause);
        break;
    case STOPPING:
        set_state(world, instance, STOPPED, 0, cause);
        break;
    default:
        instance->due_ms = 0;
    }
}
