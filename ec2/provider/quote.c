/* SPDX-License-Identifier: ISC */
/* Which type of machine, and what it costs by the hour. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"
#include "ec2/pricing.h"
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
    struct ec2_wanted wanted = {.memory_bytes = memory_bytes,
                                .instance_store = cloud->way == CLOUD_BY_BUNDLE};
    if (!ec2_machine_for(kernel, &wanted, ret, &refused))
        return 0;
    wanted.anyway = true;
    if (!ec2_machine_for(kernel, &wanted, ret, NULL))
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

/* --- what it costs --- */

void cloud_price(const struct mir_kernel *kernel, const struct ec2_machine *machine,
                 const struct mir_place *place, enum cloud_way way, const struct cloud_hour *hour,
                 struct mir_price *ret)
{
    uint64_t gib = volume_gib(kernel);
    bool bundle = way == CLOUD_BY_BUNDLE;
    bool said = hour->word == CLOUD_PRICE_KNOWN;
    bool home = !strcmp(place->region, EC2_PRICE_REGION);
    int64_t rest_micro = bundle ? ec2_disk_hour_micro(gib, EC2_OBJECT_GIB_MONTH_MICRO)
                                : ec2_disk_hour_micro(gib, EC2_DISK_GIB_MONTH_MICRO) +
                                      ec2_disk_hour_micro(gib, EC2_SNAPSHOT_GIB_MONTH_MICRO);
    int64_t table_micro = machine->per_hour_micro;
    if (!place->ipv6_only)
        rest_micro += EC2_ADDRESS_HOUR_MICRO;
    if (!home) {
        rest_micro *= 2;
        table_micro *= 2;
    }
    *ret = (struct mir_price){.known = said || table_micro > 0, .least_s = 60};
    if (!ret->known) {
        snprintf(ret->note, sizeof ret->note, "the price of %s is not in the table; AWS: %s",
                 machine->type, cloud_price_word(hour->word));
        return;
    }
    ret->per_hour_micro = rest_micro + (said ? hour->micro_usd : table_micro);
    mir_copy(ret->date, sizeof ret->date, said ? hour->date : EC2_PRICE_DATE);
    if (said)
        mir_copy(ret->note, sizeof ret->note, "machine as AWS says; estimate: ");
    else
        snprintf(ret->note, sizeof ret->note, "estimate (AWS: %s): machine, ",
                 cloud_price_word(hour->word));
    size_t len = strlen(ret->note);
    snprintf(ret->note + len, sizeof ret->note - len, "%s%u GiB%s of %s%s%s",
             place->ipv6_only ? "" : "IPv4 address, ", (unsigned)gib,
             may_be_larger(kernel) ? " or more" : "", bundle ? "bundle" : "disk and snapshot",
             home ? "" : "; twice that of " EC2_PRICE_REGION,
             place->spot ? "; spot costs less" : "");
}

static int ask_hour(void *ctx, const char *region, const char *type, int64_t *ret_micro_usd,
                    struct mir_error *err)
{
    struct ec2_session *session = ctx;
    struct ec2_hourly hourly;
    if (ec2_get_hourly(session, type, region, ec2_until(session, MIR_QUOTE_LIMIT_MS), &hourly, err))
        return -1;
    if (strcmp(hourly.type, type) != 0 || strcmp(hourly.region, region) != 0)
        return mir_fail(err, MIR_CORRUPT, "the price of %s in %s was asked for, not of %s in %s",
                        type, region, hourly.type, hourly.region);
    *ret_micro_usd = hourly.micro_usd;
    return 0;
}

/* Where nothing can be deployed to nobody is asked either. */
static void find_hour(struct cloud *cloud, const struct mir_place *place, struct cloud_hour *ret)
{
    struct ec2_session *session;
    *ret = (struct cloud_hour){.word = CLOUD_PRICE_NOT_ASKED};
    if (cloud_may_deploy(cloud) && !cloud_session(cloud, place->region, &session, NULL))
        cloud_prices_find(&cloud->prices, cloud->clock, ask_hour, session, place->region,
                          place->type, ret);
}

int cloud_quote(void *ctx, const struct mir_kernel *kernel, const struct mir_place *asked,
                uint64_t memory_bytes, struct mir_quote *ret, struct mir_error *err)
{
    struct cloud *cloud = ctx;
    struct mir_quote quote = {.place = *asked};
    struct ec2_machine machine;
    struct cloud_hour hour;
    if (*asked->cloud) {
        mir_fail(err, MIR_USAGE, "--cloud is not for ec2");
        return mir_error_hint(err, "leave --cloud away");
    }
    if ((!*asked->region && cloud_ready(cloud, err)) ||
        cloud_way_reaches(cloud, asked->region, err))
        return -1;
    if (!*asked->region)
        mir_copy(quote.place.region, sizeof quote.place.region, cloud->home);
    if (choose(cloud, kernel, asked, memory_bytes, &machine, err) ||
        check_memory(&machine, memory_bytes, err))
        return -1;
    mir_copy(quote.place.type, sizeof quote.place.type, machine.type);
    mir_copy(quote.family, sizeof quote.family, machine.family);
    quote.memory_bytes = machine.memory_bytes;
    find_hour(cloud, &quote.place, &hour);
    cloud_price(kernel, &machine, &quote.place, cloud->way, &hour, &quote.price);
    *ret = quote;
    return 0;
}
