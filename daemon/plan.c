/* SPDX-License-Identifier: ISC */
#include "daemon/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "api/preflight.h"

#define MIB ((uint64_t)1 << 20)

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* --- the lease --- */

static int too_short(const char *provider, int64_t ttl_s, int64_t least_s, bool by_provider,
                     struct mir_error *err)
{
    char text[MIR_TIME_SIZE];
    mir_duration_format(least_s, text);
    if (by_provider)
        mir_fail(err, MIR_POLICY, "%s; the shortest lease that %s can keep is %s",
                 ttl_s <= 0 ? "the deadline has passed already" : "the lease is too short",
                 provider, text);
    else
        mir_fail(err, MIR_POLICY, "%s; the shortest lease is %s",
                 ttl_s <= 0 ? "the deadline has passed already" : "the lease is too short", text);
    return mir_error_hint(err, "nothing was started; deploy with --ttl %" PRId64 "s or more",
                          least_s);
}

static int plan_forever(const struct mird_policy *policy, struct mird_plan *plan,
                        struct mir_error *err)
{
    if (!policy->allow_forever) {
        mir_fail(err, MIR_POLICY, "a deployment without an end is not allowed here");
        return mir_error_hint(err, "deploy with --ttl or --until; or let the daemon allow it: "
                                   "allow_forever = yes in section [policy], and start it again");
    }
    plan->deadline_s = MIR_FOREVER_S;
    return 0;
}

static int plan_deadline(const struct mird_request *request, const struct mir_provider *provider,
                         const struct mird_policy *policy, int64_t now_s, struct mird_plan *plan,
                         struct mir_error *err)
{
    char text[MIR_TIME_SIZE];
    bool by_provider = (int64_t)provider->lease_min_s > policy->ttl_min_s;
    int64_t least_s = by_provider ? (int64_t)provider->lease_min_s : policy->ttl_min_s;
    if (!!request->ttl_s + !!request->until_s + request->forever > 1)
        return mir_fail(err, MIR_USAGE,
                        "of ttl, until and forever more than one is given; one says "
                        "it all");
    if (request->forever)
        return plan_forever(policy, plan, err);
    int64_t ttl_s = request->ttl_s     ? request->ttl_s
                    : request->until_s ? request->until_s - now_s
                                       : policy->ttl_default_s;
    if (ttl_s > policy->ttl_max_s) {
        mir_duration_format(policy->ttl_max_s, text);
        mir_fail(err, MIR_POLICY, "a lease of this length is not allowed; the longest is %s", text);
        return mir_error_hint(err, "deploy with --ttl %" PRId64 "s, and extend it later",
                              policy->ttl_max_s);
    }
    if (ttl_s < least_s)
        return too_short(provider->name, ttl_s, least_s, by_provider, err);
    plan->deadline_s = now_s + ttl_s;
    return 0;
}

/* --- where it boots --- */

static int plan_boot(const struct mird_request *request, const struct mir_kernel *kernel,
                     const struct mir_provider *provider, struct mird_plan *plan,
                     struct mir_error *err)
{
    const struct mir_boots *boots = mir_kernel_boots(kernel, provider->name);
    plan->verdict = boots ? boots->verdict : MIR_VERDICT_UNKNOWN;
    mir_copy(plan->how, sizeof plan->how, boots ? boots->how : "");
    mir_copy(plan->why, sizeof plan->why,
             boots ? boots->why : "nothing is known of this kernel on this provider");
    bool bad = plan->verdict == MIR_VERDICT_CANNOT || plan->verdict == MIR_VERDICT_NO_NETWORK;
    bool can_try = boots && *boots->how;
    if (!bad || (request->anyway && can_try))
        return 0;
    mir_fail(err, MIR_POLICY, "this %s kernel %s on %s: %s", mir_format_name(kernel->format),
             plan->verdict == MIR_VERDICT_CANNOT ? "cannot boot" : "would have no network",
             provider->name, plan->why);
    return mir_error_hint(err, can_try ? "try another provider, or deploy it with --anyway"
                                       : "try another provider: there is no way to start it here");
}

static int plan_machine(const struct mird_request *request, const struct mir_kernel *kernel,
                        const struct mir_provider *provider, struct mird_plan *plan,
                        struct mir_error *err)
{
    const struct mir_machine *asked = &request->machine;
    if (provider->machines)
        return mir_machine_choose(asked, kernel, plan->how, &plan->machine, err);
    if (!asked->firmware && !asked->disk && !asked->nic)
        return 0;
    mir_fail(err, MIR_USAGE, "%s gives no choice of the machine", provider->name);
    return mir_error_hint(err, "leave --firmware, --disk-bus and --nic away");
}

static int plan_memory(const struct mird_request *request, const struct mir_kernel *kernel,
                       const struct mird_policy *policy, struct mird_plan *plan,
                       struct mir_error *err)
{
    uint64_t needed = mir_machine_memory(&plan->machine, kernel), least = round_up(needed, MIB);
    if (request->memory_bytes > policy->memory_max_bytes || least > policy->memory_max_bytes) {
        mir_fail(err, MIR_POLICY,
                 "%" PRIu64 " MiB of memory are more than the %" PRIu64 " MiB allowed",
                 (request->memory_bytes ? request->memory_bytes : least) / MIB,
                 policy->memory_max_bytes / MIB);
        return mir_error_hint(err, "ask for less, or raise memory_max in section [policy]");
    }
    if (request->memory_bytes && request->memory_bytes < needed) {
        mir_fail(err, MIR_POLICY,
                 "%" PRIu64 " MiB of memory are too few: the kernel needs %" PRIu64 " MiB",
                 request->memory_bytes / MIB, least / MIB);
        return mir_error_hint(err, "deploy with --memory %" PRIu64 "M or more", least / MIB);
    }
    plan->memory_bytes = request->memory_bytes                  ? request->memory_bytes
                         : policy->memory_default_bytes > least ? policy->memory_default_bytes
                                                                : least;
    return 0;
}

/* --- ports and URL --- */

static bool publishes(const struct mir_provider *provider)
{
    return provider->guest_host != NULL;
}

static int check_ports(const struct mird_request *request, struct mir_error *err)
{
    for (unsigned i = 0; i < request->port_count; i++)
        for (unsigned j = 0; j < i; j++) {
            const struct mir_port *a = &request->ports[i], *b = &request->ports[j];
            if (a->host_port && a->host_port == b->host_port && !strcmp(a->address, b->address))
                return mir_fail(err, MIR_USAGE, "host port %u is asked for twice",
                                (unsigned)a->host_port);
        }
    return 0;
}

/* False for a kernel that says itself that it has none. */
static bool may_serve(const struct mir_kernel *kernel)
{
    return !mir_kernel_demands(kernel) || mir_kernel_demanded(kernel, MIR_DEVICE_NET) > 0;
}

static int plan_ports(const struct mird_request *request, const struct mir_kernel *kernel,
                      const struct mir_provider *provider, struct mird_plan *plan,
                      struct mir_error *err)
{
    if (check_ports(request, err))
        return -1;
    if (request->port_count && !publishes(provider)) {
        mir_fail(err, MIR_USAGE, "%s does not publish ports of this host", provider->name);
        return mir_error_hint(err, "leave -p away");
    }
    plan->port_count = request->port_count;
    memcpy(plan->ports, request->ports, sizeof plan->ports);
    bool network = may_serve(kernel) && plan->verdict != MIR_VERDICT_NO_NETWORK &&
                   plan->machine.nic != MIR_CARD_NONE;
    if (!request->ports_given && publishes(provider) && network) {
        plan->port_count = 1;
        plan->ports[0].guest_port = 80;
    }
    plan->wants_url = *request->url != '\0';
    for (unsigned i = 0; i < plan->port_count; i++) {
        plan->wants_url |= plan->ports[i].guest_port == 80;
        if (!*plan->ports[i].address)
            mir_copy(plan->ports[i].address, sizeof plan->ports[i].address, "127.0.0.1");
    }
    return 0;
}

/* A guest that lacks a device of its manifest aborts at once: no --anyway helps against that. */
static int plan_devices(const struct mir_kernel *kernel, const struct mir_provider *provider,
                        const struct mird_plan *plan, struct mir_error *err)
{
    if (!provider->offer || !mir_preflight(kernel, provider->offer(kernel), plan->port_count, err))
        return 0;
    return mir_error_wrap(err, "this %s kernel cannot run on %s", mir_format_name(kernel->format),
                          provider->name);
}

/* What has no end cannot be ended at it. */
static void add_hook(struct mird_plan *plan, const char *name)
{
    if (!mir_forever(plan->deadline_s) && plan->hook_count < MIR_HOOKS_MAX)
        mir_copy(plan->hooks[plan->hook_count++], sizeof plan->hooks[0], name);
}

int mird_plan_make(const struct mird_request *request, const struct mir_kernel *kernel,
                   const struct mir_provider *provider, const struct mird_policy *policy,
                   unsigned live, int64_t now_s, struct mird_plan *ret, struct mir_error *err)
{
    struct mird_plan plan = {.takes_part = kernel->takes_part};
    if (live >= policy->deployments_max) {
        mir_fail(err, MIR_POLICY, "%u deployments are under way; no more are allowed", live);
        return mir_error_hint(err, "end one with mirage-deploy rm NAME, or raise deployments_max "
                                   "in section [policy]");
    }
    if (plan_deadline(request, provider, policy, now_s, &plan, err) ||
        plan_boot(request, kernel, provider, &plan, err) ||
        plan_machine(request, kernel, provider, &plan, err) ||
        plan_memory(request, kernel, policy, &plan, err) ||
        plan_ports(request, kernel, provider, &plan, err) ||
        plan_devices(kernel, provider, &plan, err))
        return -1;
    for (size_t i = 0; provider->hook_names && provider->hook_names[i]; i++)
        add_hook(&plan, provider->hook_names[i]);
    add_hook(&plan, "daemon");
    if (kernel->takes_part & MIR_PART_DEADLINE)
        add_hook(&plan, "guest");
    *ret = plan;
    return 0;
}

/* --- the document --- */

static json_t *steps_json(const struct mird_plan *plan, const struct mir_kernel *kernel)
{
    json_t *steps = json_array();
    if (kernel->container != MIR_CONTAINER_NONE)
        json_array_append_new(steps, json_pack("{s:s,s:s,s:I}", "name", "image", "does",
                                               "unpack the kernel", "bytes",
                                               (json_int_t)kernel->unpacked_bytes));
    json_array_append_new(steps, json_pack("{s:s,s:s,s:I}", "name", "instance", "does",
                                           *plan->how ? plan->how : "start", "bytes",
                                           (json_int_t)kernel->bytes));
    json_array_append_new(steps, json_pack("{s:s,s:s,s:i}", "name", "hooks", "does",
                                           "arm the hooks and read them back", "bytes", 0));
    if (plan->wants_url)
        json_array_append_new(steps,
                              json_pack("{s:s,s:s,s:i}", "name", "site", "does",
                                        "list the site and wait until it answers", "bytes", 0));
    return steps;
}

static json_t *ports_json(const struct mird_plan *plan)
{
    json_t *ports = json_array();
    for (unsigned i = 0; i < plan->port_count; i++)
        json_array_append_new(ports, json_pack("{s:s,s:i,s:i}", "address", plan->ports[i].address,
                                               "host", (int)plan->ports[i].host_port, "guest",
                                               (int)plan->ports[i].guest_port));
    return ports;
}

static void add_lease(json_t *doc, const struct mird_plan *plan, const struct mird_request *request,
                      int64_t now_s)
{
    char deadline[MIR_TIME_SIZE];
    bool forever = mir_forever(plan->deadline_s);
    mir_deadline_format(plan->deadline_s, deadline);
    json_object_set_new(doc, "expires_at", forever ? json_null() : json_string(deadline));
    json_object_set_new(doc, "ttl_s",
                        forever ? json_null() : json_integer(plan->deadline_s - now_s));
    json_object_set_new(doc, "forever", json_boolean(forever));
    json_object_set_new(doc, "reason", forever ? json_string(request->reason) : json_null());
}

/* Without an end there is no most that it may cost. */
static json_t *cost_json(const struct mird_plan *plan, int64_t now_s)
{
    json_int_t price = (json_int_t)plan->price_per_hour_micro;
    bool forever = mir_forever(plan->deadline_s);
    int64_t ttl_s = plan->deadline_s - now_s;
    return json_pack("{s:s,s:I,s:i,s:o,s:n}", "currency", "USD", "per_hour_micro", price,
                     "so_far_micro", 0, "worst_micro",
                     forever ? json_null() : json_integer((price * ttl_s + 3599) / 3600),
                     "price_date");
}

json_t *mird_plan_json(const struct mird_plan *plan, const struct mird_request *request,
                       const struct mir_kernel *kernel, int64_t now_s)
{
    json_t *hooks = json_array();
    for (unsigned i = 0; i < plan->hook_count; i++)
        json_array_append_new(hooks, json_string(plan->hooks[i]));
    json_t *doc =
        json_pack("{s:s,s:s,s:I,s:{s:s,s:s,s:s},s:b}", "provider", request->provider, "kernel",
                  kernel->sha256, "memory_bytes", (json_int_t)plan->memory_bytes, "boots",
                  "verdict", mir_verdict_name(plan->verdict), "how", plan->how, "why", plan->why,
                  "url_expected", (int)plan->wants_url);
    add_lease(doc, plan, request, now_s);
    json_object_set_new(json_object_get(doc, "boots"), "families",
                        mir_kernel_families_json(kernel, request->provider));
    json_object_set_new(doc, "machine", mir_machine_to_json(&plan->machine));
    json_object_set_new(doc, "steps", steps_json(plan, kernel));
    json_object_set_new(doc, "ports", ports_json(plan));
    json_object_set_new(doc, "hooks", hooks);
    json_object_set_new(doc, "cost", cost_json(plan, now_s));
    return doc;
}
