/* SPDX-License-Identifier: ISC */
#include "server_want.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "blob.h"
#include "guest_disk.h"
#include "neutron_address.h"
#include "nova.h"

/* What libvirt is given when the image says nothing of a command line. */
#define WORDS "root=/dev/vda console=tty0 console=ttyS0 console=hvc0 no_timer_check"

/* --- what the image asks for --- */

/* Nova's words for a device, and QEMU's; the first is what there is without. */
struct device {
    const char *word, *device;
};

static const struct device buses[] = {{"virtio", "virtio-blk-pci"},
                                      {"ide", "ide-hd"},
                                      {"sata", "ide-hd"},
                                      {"scsi", "scsi-hd"},
                                      {NULL, NULL}};
static const struct device cards[] = {
    {"virtio", "virtio-net-pci"}, {"e1000", "e1000"}, {"rtl8139", "rtl8139"}, {NULL, NULL}};
static const struct device machines[] = {{"pc", "pc"}, {"q35", "q35"}, {NULL, NULL}};

static const char *device_of(const struct device *rows, const char *word)
{
    for (const struct device *row = rows; row->word; row++)
        if (!strcmp(row->word, word))
            return row->device;
    return rows->device;
}

static bool is_other(const char *format)
{
    return strcmp(format, "raw") != 0 && strcmp(format, "qcow2") != 0;
}

static void read_machine(const struct fc_world *world, const struct fc_object *server,
                         const json_t *image, struct fc_guest_want *ret)
{
    const struct fos_flavor *flavor =
        fos_flavor_find(server->region, fc_text_at(server->doc, "_flavor"));
    int64_t most = world->settings.guest_mib;
    const char *architecture = fos_text(image, "hw_architecture", "x86_64");
    ret->bus = device_of(buses, fc_text_at(image, "hw_disk_bus"));
    ret->card = device_of(cards, fc_text_at(image, "hw_vif_model"));
    ret->machine = device_of(machines, fc_text_at(image, "hw_machine_type"));
    ret->uefi = !strcmp(fc_text_at(image, "hw_firmware_type"), "uefi");
    ret->memory_mib = flavor && flavor->ram_mib < most ? (unsigned)flavor->ram_mib : (unsigned)most;
    ret->now_s = fc_world_now_ms(world) / 1000;
    if (!strcmp(architecture, "aarch64"))
        ret->why_not = "only x86 machines are started here";
    else if (image && is_other(fc_text_at(image, "disk_format")))
        ret->why_not = "only raw and qcow2 images are booted here";
}

/* --- its files --- */

static void read_file(const struct fc_world *world, const struct fc_object *server,
                      const json_t *image, const char *role, struct fc_guest_disk *ret)
{
    snprintf(ret->volume, sizeof ret->volume, "%s-%.40s", role, server->id);
    ret->snapshot_fd = -1;
    if (image && !fc_guest_disk_exists(world->dir_fd, ret->volume))
        ret->snapshot_fd = fc_blob_open(world, fos_text(image, "_file", "-"));
}

static const json_t *image_doc(const struct fc_world *world, const struct fc_object *server,
                               const char *id)
{
    const struct fc_object *image = fc_store_get(world->store, "os-image", server->region, id);
    return image ? image->doc : NULL;
}

static void read_kernel(const struct fc_world *world, const struct fc_object *server,
                        const json_t *image, struct fc_guest_want *ret)
{
    const char *kernel = fc_text_at(image, "kernel_id"), *ramdisk = fc_text_at(image, "ramdisk_id");
    if (!*kernel)
        return;
    read_file(world, server, image_doc(world, server, kernel), "kernel", &ret->kernel);
    if (*ramdisk)
        read_file(world, server, image_doc(world, server, ramdisk), "ramdisk", &ret->ramdisk);
    mir_copy(ret->words, sizeof ret->words, fos_text(image, "os_command_line", WORDS));
}

static void read_files(const struct fc_world *world, const struct fc_object *server,
                       const json_t *image, struct fc_guest_want *ret)
{
    const struct fos_flavor *flavor =
        fos_flavor_find(server->region, fc_text_at(server->doc, "_flavor"));
    struct fc_guest_disk *root = &ret->disks[0];
    read_file(world, server, image_doc(world, server, fc_text_at(server->doc, "image")), "root",
              root);
    root->gib = flavor ? flavor->disk_gib : 1;
    root->qcow2 = !strcmp(fc_text_at(image, "disk_format"), "qcow2");
    ret->disk_count = 1;
    read_kernel(world, server, image, ret);
}

/* --- where it is reached --- */

static void read_rules(const struct fc_world *world, const char *region, const char *group,
                       struct fc_guest_want *ret)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, fos_rules.kind, region));) {
        const char *protocol = fos_text(o->doc, "protocol", "");
        const json_t *least = fc_at(o->doc, "port_range_min"),
                     *most = fc_at(o->doc, "port_range_max");
        bool tcp = !*protocol || !strcmp(protocol, "tcp") || !strcmp(protocol, "6");
        if (strcmp(fc_text_at(o->doc, "security_group_id"), group) != 0 || !tcp ||
            strcmp(fc_text_at(o->doc, "direction"), "ingress") != 0 ||
            strcmp(fc_text_at(o->doc, "ethertype"), "IPv4") != 0 ||
            fos_text(o->doc, "remote_group_id", NULL))
            continue;
        fc_guest_want_ports(ret, json_is_integer(least) ? json_integer_value(least) : 0,
                            json_is_integer(most) ? json_integer_value(most) : 65535);
    }
}

/* A subnet in 127.0.0.0/8 is reached from here as it is; inside, nobody could have an address of
 * it. */
static void read_fixed(const struct fc_world *world, const struct fc_object *port,
                       struct fc_guest_want *ret)
{
    const json_t *first = fos_port_fixed(port, 4);
    const struct fc_object *subnet =
        fc_store_get(world->store, fos_subnets.kind, port->region, fc_text_at(first, "subnet_id"));
    const char *fixed = fc_text_at(first, "ip_address");
    if (!subnet)
        return;
    if (!strncmp(fixed, "127.", 4)) {
        mir_copy(ret->address, sizeof ret->address, fixed);
        return;
    }
    const char *gateway = fc_text_at(subnet->doc, "gateway_ip");
    const json_t *pool = json_array_get(fc_at(subnet->doc, "allocation_pools"), 0);
    const char *last = fc_text_at(pool, "end"); /* QEMU's name server */
    if (!*gateway || !*last || !strcmp(last, fixed))
        return; /* QEMU's own network, then */
    mir_copy(ret->subnet, sizeof ret->subnet, fc_text_at(subnet->doc, "cidr"));
    mir_copy(ret->gateway, sizeof ret->gateway, gateway);
    mir_copy(ret->fixed, sizeof ret->fixed, fixed);
    mir_copy(ret->dns, sizeof ret->dns, last);
}

static void read_port(const struct fc_world *world, const struct fc_object *port,
                      struct fc_guest_want *ret)
{
    const struct fc_object *floating = fos_floating_of(world, port);
    size_t i;
    json_t *group;
    if (!*ret->mac) { /* the first is the machine's card */
        mir_copy(ret->mac, sizeof ret->mac, fc_text_at(port->doc, "mac_address"));
        read_fixed(world, port, ret);
    }
    if (floating)
        mir_copy(ret->address, sizeof ret->address,
                 fc_text_at(floating->doc, "floating_ip_address"));
    if (!json_is_true(fc_at(port->doc, "port_security_enabled")))
        fc_guest_want_ports(ret, 0, 65535);
    json_array_foreach(fc_at(port->doc, "security_groups"), i, group)
    {
        read_rules(world, port->region, json_string_value(group), ret);
    }
}

static void read_ports(const struct fc_world *world, const struct fc_object *server,
                       struct fc_guest_want *ret)
{
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, fos_ports.kind, server->region));)
        if (!strcmp(fc_text_at(o->doc, "device_id"), server->id))
            read_port(world, o, ret);
}

/* --- all of them --- */

/* Its files are made while it is built, and stay until it goes; a machine is there once it is
 * active. */
static bool has_files(const json_t *doc)
{
    return strcmp(fos_server_vm(doc), "building") != 0 || !strcmp(fos_server_task(doc), "spawning");
}

static void read_server(const struct fc_world *world, const struct fc_object *server,
                        struct fc_guest_wants *wants)
{
    struct fc_guest_want *ret = fc_guest_wants_add(wants);
    const json_t *image = fc_at(server->doc, "_image"); /* as it was: it may be gone by now */
    ret->kind = FOS_SERVER;
    ret->on = fos_server_runs(server->doc) && !strstr(fos_server_task(server->doc), "reboot");
    mir_copy(ret->instance, sizeof ret->instance, server->id);
    mir_copy(ret->region, sizeof ret->region, server->region);
    read_machine(world, server, image, ret);
    read_files(world, server, image, ret);
    read_ports(world, server, ret);
    fc_guest_wants_volume(wants, ret->disks[0].volume);
    if (*ret->kernel.volume)
        fc_guest_wants_volume(wants, ret->kernel.volume);
    if (*ret->ramdisk.volume)
        fc_guest_wants_volume(wants, ret->ramdisk.volume);
}

void fos_guest_wants_read(const struct fc_world *world, struct fc_guest_wants *ret)
{
    for (struct fc_object *o = NULL; (o = fc_store_each(world->store, o, FOS_SERVER, NULL));)
        if (!o->gone_ms && has_files(o->doc))
            read_server(world, o, ret);
}
