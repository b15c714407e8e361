/* SPDX-License-Identifier: ISC */
#include "guest_want.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/memory.h"
#include "bundle.h"
#include "ec2.h"
#include "ec2_types.h"
#include "guest_disk.h"
#include "server_want.h"
#include "snapshot_data.h"

enum { PENDING = 0, RUNNING = 16, STOPPING = 64, STOPPED = 80 };

/* --- what it is --- */

static const char *why_not(const json_t *doc, const struct fc_instance_type *type)
{
    if (!type || !(type->arches & FC_ARCH_X86_64) ||
        !strcmp(fc_text_at(doc, "architecture"), "arm64"))
        return "only x86 machines are started here";
    if (!strcmp(fc_text_at(doc, "virtualizationType"), "paravirtual"))
        return "a paravirtual kernel needs Xen";
    return NULL;
}

static void read_machine(const struct fc_world *world, const json_t *doc, struct fc_guest_want *ret)
{
    const struct fc_instance_type *type = fc_type_find(fc_text_at(doc, "instanceType"));
    int64_t most = world->settings.guest_mib;
    ret->why_not = why_not(doc, type);
    ret->nvme = type && type->nvme;
    /* Bare metal has no hypervisor that would keep it back. */
    ret->virtualises =
        type && (!*type->hypervisor ||
                 !strcmp(fc_text_at(doc, "cpuOptions.nestedVirtualization"), "enabled"));
    ret->uefi = !strcmp(fc_text_at(doc, "currentInstanceBootMode"), "uefi");
    ret->memory_mib = type && type->memory_mib < most ? type->memory_mib : (unsigned)most;
    ret->now_s = fc_world_now_ms(world) / 1000;
}

/* --- where it is reached --- */

static void add_port(struct fc_guest_want *want, uint16_t port)
{
    for (size_t i = 0; i < want->port_count; i++)
        if (want->ports[i] == port)
            return;
    if (want->port_count < FC_GUEST_PORTS)
        want->ports[want->port_count++] = port;
}

/* A wide range cannot be forwarded port by port: of it those are that somebody asks for. */
void fc_guest_want_ports(struct fc_guest_want *want, int64_t from, int64_t to)
{
    static const uint16_t usual[] = {80, 443, 22, 8080};
    if (to - from < FC_GUEST_PORTS) {
        for (int64_t port = from; port <= to; port++)
            if (port > 0 && port < 65536)
                add_port(want, (uint16_t)port);
        return;
    }
    for (size_t i = 0; i < MIR_NELEMS(usual); i++)
        if (usual[i] >= from && usual[i] <= to)
            add_port(want, usual[i]);
}

static void add_rule(struct fc_guest_want *want, const json_t *rule)
{
    const char *protocol = fc_text_at(rule, "ipProtocol");
    bool all = !strcmp(protocol, "-1");
    if ((!all && strcmp(protocol, "tcp") != 0) || !json_array_size(fc_at(rule, "ipRanges")))
        return;
    fc_guest_want_ports(want, all ? 0 : json_integer_value(fc_at(rule, "fromPort")),
                        all ? 65535 : json_integer_value(fc_at(rule, "toPort")));
}

static void read_ports(const struct fc_world *world, const struct fc_object *instance,
                       struct fc_guest_want *ret)
{
    size_t i, k;
    json_t *entry, *rule;
    json_array_foreach(fc_at(instance->doc, "groupSet"), i, entry)
    {
        const struct fc_object *group = fc_store_get(
            world->store, "security-group", instance->region, fc_text_at(entry, "groupId"));
        json_array_foreach(group ? fc_at(group->doc, "ipPermissions") : NULL, k, rule)
        {
            add_rule(ret, rule);
        }
    }
}

/* --- its volumes --- */

static void read_disk(const struct fc_world *world, const struct fc_object *volume,
                      struct fc_guest_disk *ret)
{
    const char *snapshot = fc_text_at(volume->doc, "snapshotId");
    mir_copy(ret->volume, sizeof ret->volume, volume->id);
    ret->gib = json_integer_value(fc_at(volume->doc, "size"));
    ret->snapshot_fd = -1;
    if (!*snapshot || fc_guest_disk_exists(world->dir_fd, volume->id))
        return;
    /* Opened here, under the lock: the snapshot may be deleted at any moment afterwards, and a
     * volume does not need it any more. */
    mir_auto_free char *path = fc_snapshot_data_path(world, snapshot);
    ret->snapshot_fd = open(path, O_RDONLY | O_CLOEXEC);
}

static bool has_store(const struct fc_object *instance)
{
    return !strcmp(fc_text_at(instance->doc, "rootDeviceType"), "instance-store");
}

static void read_disks(const struct fc_world *world, const struct fc_object *instance,
                       struct fc_guest_want *ret)
{
    const char *root = fc_text_at(instance->doc, "rootDeviceName");
    const json_t *devices = fc_at(instance->doc, "blockDeviceMapping");
    if (has_store(instance)) {
        ret->disks[0] = (struct fc_guest_disk){.gib = 10, .snapshot_fd = -1};
        fc_bundle_store_name(instance->id, ret->disks[0].volume);
        ret->disk_count = 1;
    }
    for (int others = 0; others < 2; others++) /* the root goes first */
        for (size_t i = 0; i < json_array_size(devices); i++) {
            const json_t *device = json_array_get(devices, i);
            const struct fc_object *volume = fc_store_get(world->store, "volume", instance->region,
                                                          fc_text_at(device, "ebs.volumeId"));
            bool is_root = !strcmp(fc_text_at(device, "deviceName"), root);
            if (volume && is_root == !others && ret->disk_count < FC_GUEST_DISKS)
                read_disk(world, volume, &ret->disks[ret->disk_count++]);
        }
}

/* --- all of them --- */

static void read_instance(const struct fc_world *world, const struct fc_object *instance, int code,
                          struct fc_guest_want *ret)
{
    ret->kind = "instance";
    ret->on = code == RUNNING;
    mir_copy(ret->instance, sizeof ret->instance, instance->id);
    mir_copy(ret->region, sizeof ret->region, instance->region);
    read_machine(world, instance->doc, ret);
    read_disks(world, instance, ret);
    if (ret->on) {
        mir_copy(ret->address, sizeof ret->address, fc_text_at(instance->doc, "ipAddress"));
        read_ports(world, instance, ret);
    }
}

void fc_guest_wants_volume(struct fc_guest_wants *ret, const char *name)
{
    ret->volumes = mir_realloc(ret->volumes, ret->volume_count + 1, sizeof *ret->volumes);
    mir_copy(ret->volumes[ret->volume_count++], FC_GUEST_ID, name);
}

static void read_volumes(const struct fc_world *world, struct fc_guest_wants *ret)
{
    for (struct fc_object *o = NULL; (o = fc_store_each(world->store, o, "volume", NULL));)
        if (!o->gone_ms)
            fc_guest_wants_volume(ret, o->id);
}

struct fc_guest_want *fc_guest_wants_add(struct fc_guest_wants *wants)
{
    wants->rows = mir_realloc(wants->rows, wants->count + 1, sizeof *wants->rows);
    struct fc_guest_want *want = &wants->rows[wants->count++];
    *want = (struct fc_guest_want){
        .virtualises = true, .kernel = {.snapshot_fd = -1}, .ramdisk = {.snapshot_fd = -1}};
    return want;
}

void fc_guest_wants_read(const struct fc_world *world, struct fc_guest_wants *ret)
{
    *ret = (struct fc_guest_wants){0};
    read_volumes(world, ret);
    for (struct fc_object *o = NULL; (o = fc_store_each(world->store, o, "instance", NULL));) {
        int code = fc_instance_code(o->doc);
        if (code != PENDING && code != RUNNING && code != STOPPING && code != STOPPED)
            continue;
        read_instance(world, o, code, fc_guest_wants_add(ret));
        if (has_store(o))
            fc_guest_wants_volume(ret, ret->rows[ret->count - 1].disks[0].volume);
    }
    fos_guest_wants_read(world, ret);
}

static void close_disk(const struct fc_guest_disk *disk)
{
    if (disk->snapshot_fd >= 0)
        close(disk->snapshot_fd);
}

void fc_guest_wants_clear(struct fc_guest_wants *wants)
{
    for (size_t i = 0; i < wants->count; i++) {
        for (size_t k = 0; k < wants->rows[i].disk_count; k++)
            close_disk(&wants->rows[i].disks[k]);
        close_disk(&wants->rows[i].kernel);
        close_disk(&wants->rows[i].ramdisk);
    }
    free(wants->rows);
    free(wants->volumes);
    *wants = (struct fc_guest_wants){0};
}

const struct fc_guest_want *fc_guest_want_of(const struct fc_guest_wants *wants,
                                             const char *instance)
{
    for (size_t i = 0; i < wants->count; i++)
        if (!strcmp(wants->rows[i].instance, instance))
            return &wants->rows[i];
    return NULL;
}
