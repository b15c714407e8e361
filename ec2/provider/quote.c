/* SPDX-License-Identifier: ISC */
/* Which type of machine, and what it costs by the hour. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"
#include "machines.h"

#define GIB ((uint64_t)1 << 30)

/* A volume has whole GiB. Of a disk in a format with tables of its own the file's size is taken:
 * how large it looks nobody knows before it is converted, and the note says so. */
static uint64_t volume_gib(const struct mir_kernel *kernel)
{
    uint64_t gib = (kernel->unpacked_bytes + GIB - 1) / GIB;
    return gib ? gib : 1;
}

static bool may_be_larger(const struct mir_kernel *kernel)
{
    return mir_kernel_is_disk(kernel) && kernel->format != MIR_FORMAT_DISK_RAW;
}

/* A kernel that boots nowhere is quoted for the usual type: the planner says why it is refused. */
static int choose(const struct cloud *cloud, const struct mir_kernel *kernel,
                  const struct mir_place *asked, uint64_t memory_bytes, struct ec2_machine *ret,
                  struct mir_error *err)
{
    const char *named = *asked->type ? asked->type : cloud->type;
    if (*named)
        return ec2_machine_named(named, ret, err);
    struct mir_error refused = {0};
    if (!ec2_machine_for(kernel, memory_bytes, false, ret, &refused) ||
        !ec2_machine_for(kernel, memory_bytes, true, ret, NULL))
        return 0;
    const struct mir_boots *boots = mir_kernel_boots(kernel, "ec2");
    if (boots && boots->verdict != MIR_VERDICT_BOOTS && boots->verdict != MIR_VERDICT_UNKNOWN)
        return ec2_machine_named("t3.micro", ret, err);
    if (err)
        *err = refused;
    return -1;
}

static int check_memory(const struct ec2_machine *machine, uint64_t memory_bytes,
                        struct mir_error *err)
{
    if (!machine->memory_bytes || machine->memory_bytes >= memory_bytes)
        return 0;
    mir_fail(err, MIR_POLICY, "%s has %u MiB of memory, and %u MiB are needed", machine->type,
             (unsigned)(machine->memory_bytes >> 20), (unsigned)((memory_bytes + 1048575) >> 20));
    return mir_error_hint(err, "choose a larger --type, or leave it to the provider");
}

static void price(const struct mir_kernel *kernel, const struct ec2_machine *machine,
                  const struct mir_place *place, struct mir_price *ret)
{
    uint64_t gib = volume_gib(kernel);
    bool home = !strcmp(place->region, EC2_PRICE_REGION);
    int64_t hour_micro = machine->per_hour_micro +
                         ec2_disk_hour_micro(gib, EC2_DISK_GIB_MONTH_MICRO) +
                         ec2_disk_hour_micro(gib, EC2_SNAPSHOT_GIB_MONTH_MICRO);
    if (!place->ipv6_only)
        hour_micro += EC2_ADDRESS_HOUR_MICRO;
    *ret = (struct mir_price){.known = machine->per_hour_micro > 0, .least_s = 60};
    if (!ret->known) {
        snprintf(ret->note, sizeof ret->note, "the price of %s is not in the table", machine->type);
        return;
    }
    ret->per_hour_micro = home ? hour_micro : 2 * hour_micro;
    mir_copy(ret->date, sizeof ret->date, EC2_PRICE_DATE);
    snprintf(ret->note, sizeof ret->note, "estimate: machine%s, %u GiB%s of disk and snapshot%s%s",
             place->ipv6_only ? "" : ", IPv4 address", (unsigned)gib,
             may_be_larger(kernel) ? " or more" : "",
             home ? "" : "; twice that of " EC2_PRICE_REGION,
             place->spot ? "; spot costs less" : "");
}

int cloud_quote(void *ctx, const struct mir_kernel *kernel, const struct mir_place *asked,
                uint64_t memory_bytes, struct mir_quote *ret, struct mir_error *err)
{
    const struct cloud *cloud = ctx;
    struct mir_quote quote = {.place = *asked};
    struct ec2_machine machine;
    if (!*asked->region && cloud_ready(cloud, err))
        return -1;
    if (!*asked->region)
        mir_copy(quote.place.region, sizeof quote.place.region, cloud->home);
    if (choose(cloud, kernel, asked, memory_bytes, &machine, err) ||
        check_memory(&machine, memory_bytes, err))
        return -1;
    mir_copy(quote.place.type, sizeof quote.place.type, machine.type);
    mir_copy(quote.family, sizeof quote.family, machine.family);
    quote.memory_bytes = machine.memory_bytes;
    price(kernel, &machine, &quote.place, &quote.price);
    *ret = quote;
    return 0;
}
