/* SPDX-License-Identifier: ISC */
/* Which flavor, and what it costs by the hour: what no OpenStack says, so what the configuration
 * says of it, or nothing. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "stack.h"

#define MIB ((uint64_t)1 << 20)

/* Of a disk in a format with tables of its own nobody knows how large it looks before it is
 * converted: the file's size is the least. */
static int choose(struct stack *stack, struct stack_site *site, const struct mir_kernel *kernel,
                  const char *asked, uint64_t memory_bytes, struct stack_flavor *ret,
                  struct mir_error *err)
{
    int64_t until_ms = os_until(site->session, MIR_QUOTE_FIRST_MS);
    const char *named = *asked ? asked : stack->flavor;
    if (!*named)
        return stack_flavor_for(stack, site, memory_bytes, kernel->unpacked_bytes, until_ms, ret,
                                err);
    if (stack_flavor_named(stack, site, named, until_ms, ret, err))
        return -1;
    if (ret->disk_gib <= 0) {
        mir_fail(err, MIR_POLICY,
                 "flavor %s has no disk, and a server that starts from an image "
                 "needs one",
                 named);
        return mir_error_hint(err, "choose another --type, or leave it to the provider");
    }
    if ((uint64_t)ret->ram_mib * MIB >= memory_bytes)
        return 0;
    mir_fail(err, MIR_POLICY, "%s has %u MiB of memory, and %u MiB are needed", named,
             (unsigned)ret->ram_mib, (unsigned)((memory_bytes + MIB - 1) / MIB));
    return mir_error_hint(err, "choose a larger --type, or leave it to the provider");
}

static void price(const struct stack *stack, const struct stack_flavor *flavor,
                  struct mir_price *ret)
{
    int64_t micro = 0;
    bool known = stack_price_of(stack->prices, flavor->name, &micro);
    *ret = (struct mir_price){.known = known, .per_hour_micro = micro};
    snprintf(ret->note, sizeof ret->note, "%d vCPU, %d MiB, disk %d GiB; %s", (int)flavor->vcpus,
             (int)flavor->ram_mib, (int)flavor->disk_gib,
             known ? "price as [openstack] prices says; addresses and traffic not counted"
                   : "no OpenStack says prices: [openstack] prices = FLAVOR=USD,...");
}

int stack_quote(void *ctx, const struct mir_kernel *kernel, const struct mir_place *asked,
                uint64_t memory_bytes, struct mir_quote *ret, struct mir_error *err)
{
    struct stack *stack = ctx;
    struct stack_site *site;
    struct stack_flavor flavor;
    struct mir_quote quote = {.place = *asked};
    if (stack_site(stack, asked->cloud, asked->region, &site, err) ||
        choose(stack, site, kernel, asked->type, memory_bytes, &flavor, err) ||
        stack_region(stack, site, os_until(site->session, MIR_QUOTE_LIMIT_MS), quote.place.region,
                     err))
        return -1;
    mir_copy(quote.place.cloud, sizeof quote.place.cloud, site->cloud);
    mir_copy(quote.place.type, sizeof quote.place.type, flavor.name);
    mir_copy(quote.family, sizeof quote.family, stack_family(kernel));
    quote.hooks_off = stack->leased ? 0 : 1u << STACK_HOOK_LEASE;
    quote.memory_bytes = (uint64_t)flavor.ram_mib * MIB;
    price(stack, &flavor, &quote.price);
    *ret = quote;
    return 0;
}
