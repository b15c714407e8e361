/* SPDX-License-Identifier: ISC */
#include "daemon/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "api/preflight.h"
#include "images/block.h"
#include "ownership.h"

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

/* The type that was decided is of one family, and that one's verdict counts. */
static void find_verdict(const struct mir_kernel *kernel, const struct mir_provider *provider,
                         const struct mir_quote *quote, struct mird_plan *plan)
{
    const struct mir_boots *boots = mir_kernel_boots(kernel, provider->name);
    const struct mir_family *family =
        *quote->family ? mir_kernel_family(kernel, provider->name, quote->family) : NULL;
    plan->verdict = family ? family->verdict : boots ? boots->verdict : MIR_VERDICT_UNKNOWN;
    mir_copy(plan->how, sizeof plan->how, boots ? boots->how : "");
    mir_copy(plan->why, sizeof plan->why,
             family  ? family->why
             : boots ? boots->why
                     : "nothing is known of this kernel on this provider");
    mir_copy(plan->family, sizeof plan->family, quote->family);
}

/* family: of machines, where one has been chosen already; else "". */
static int no_carrier(const struct mird_request *request, const struct mir_kernel *kernel,
                      const char *family, struct mir_error *err)
{
    const struct mir_family *row = mir_kernel_family(kernel, request->provider, family);
    mir_fail(err, MIR_POLICY, "no carrier for this %s kernel is known on %s%s%s",
             mir_format_name(kernel->format), request->provider, row ? ": " : "",
             row ? row->why : "");
    return mir_error_hint(err, "leave --carrier always away; `mirage-deploy inspect` says where it "
                               "boots, and how");
}

static int plan_boot(const struct mird_request *request, const struct mird_burden *burden,
                     const struct mir_provider *provider, const struct mir_quote *quote,
                     struct mird_plan *plan, struct mir_error *err)
{
    const struct mir_kernel *kernel = &burden->kernel;
    const char *format = mir_format_name(burden->plain ? burden->plain->format : kernel->format);
    if (burden->plain &&
        img_carrier_shape(burden->plain, provider->name, quote->family) == MIR_CARRIER_NONE)
        return no_carrier(request, burden->plain, quote->family, err);
    find_verdict(kernel, provider, quote, plan);
    if (plan->verdict == MIR_VERDICT_CARRIER) { /* and none was to be used */
        mir_fail(err, MIR_POLICY, "this %s kernel starts on %s inside of a carrier only: %s",
                 format, provider->name, plan->why);
        return mir_error_hint(err, "leave --carrier never away, or try another provider");
    }
    bool bad = plan->verdict == MIR_VERDICT_CANNOT || plan->verdict == MIR_VERDICT_NO_NETWORK;
    bool can_try = *plan->how != '\0';
    if (!bad || (request->anyway && can_try))
        return 0;
    const char *type = quote->place.type;
    mir_fail(err, MIR_POLICY, "this %s kernel %s on %s%s%s: %s", format,
             plan->verdict == MIR_VERDICT_CANNOT ? "cannot boot" : "would have no network",
             provider->name, *type ? " " : "", type, plan->why);
    return mir_error_hint(err, "try another %sprovider%s", *type ? "--type or " : "",
                          can_try ? ", or deploy it with --anyway"
                                  : ": there is no way to start it here");
}

/* A tender ends at once when a device of the manifest is missing. */
static int no_card(const struct mir_machine *asked, const struct mir_kernel *plain,
                   struct mir_error *err)
{
    if (!plain || asked->nic != MIR_CARD_NONE || !mir_kernel_demanded(plain, MIR_DEVICE_NET))
        return 0;
    mir_fail(err, MIR_POLICY, "the kernel's manifest demands a network card, not 'none'");
    return mir_error_hint(err, "leave --nic away");
}

static int plan_machine(const struct mird_request *request, const struct mird_burden *burden,
                        const struct mir_provider *provider, struct mird_plan *plan,
                        struct mir_error *err)
{
    const struct mir_kernel *kernel = &burden->kernel;
    const struct mir_machine *asked = &request->machine;
    struct mir_machine wish = *asked;
    /* The boot loader reads all of a carrier's 15 MB by way of the firmware: from NVMe it takes a
     * second less than from IDE, of the eight until the guest answers. */
    if (plan->carrier != MIR_CARRIER_NONE && !wish.disk)
        wish.disk = MIR_BUS_NVME;
    if (provider->machines)
        return no_card(asked, burden->plain, err)
                   ? -1
                   : mir_machine_choose(&wish, kernel, plan->how, &plan->machine, err);
    if (!asked->firmware && !asked->disk && !asked->nic)
        return 0;
    mir_fail(err, MIR_USAGE, "%s gives no choice of the machine", provider->name);
    return mir_error_hint(err, "leave --firmware, --disk-bus and --nic away");
}

static int too_much(uint64_t bytes, const struct mird_policy *policy, struct mir_error *err)
{
    mir_fail(err, MIR_POLICY, "%" PRIu64 " MiB of memory are more than the %" PRIu64 " MiB allowed",
             bytes / MIB, policy->memory_max_bytes / MIB);
    return mir_error_hint(err, "ask for less, or raise memory_max in section [policy]");
}

/* A machine type has the memory that it has: more than was asked for is nobody's loss, and what it
 * costs is in its price. */
static int plan_memory(uint64_t wanted, const struct mir_kernel *kernel,
                       const struct mir_quote *quote, const struct mird_policy *policy,
                       struct mird_plan *plan, struct mir_error *err)
{
    uint64_t needed = mir_machine_memory(&plan->machine, kernel), least = round_up(needed, MIB);
    uint64_t asked = wanted > needed ? wanted : needed;
    if (wanted > policy->memory_max_bytes || least > policy->memory_max_bytes)
        return too_much(wanted ? wanted : least, policy, err);
    if (wanted && wanted < needed) {
        mir_fail(err, MIR_POLICY,
                 "%" PRIu64 " MiB of memory are too few: the kernel needs %" PRIu64 " MiB",
                 wanted / MIB, least / MIB);
        return mir_error_hint(err, "deploy with --memory %" PRIu64 "M or more", least / MIB);
    }
    if (quote->memory_bytes && asked > quote->memory_bytes) {
        mir_fail(err, MIR_POLICY, "%s has %" PRIu64 " MiB of memory, and %" PRIu64 " are needed",
                 quote->place.type, quote->memory_bytes / MIB, round_up(asked, MIB) / MIB);
        return mir_error_hint(err, "choose a larger --type, or leave it to the provider");
    }
    plan->memory_bytes = quote->memory_bytes                    ? quote->memory_bytes
                         : wanted                               ? wanted
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

/* What the world may reach of it: in a cloud its own address, from which the URL is made. */
static void plan_open(const struct mird_request *request, const struct mir_kernel *kernel,
                      const struct mir_quote *quote, struct mird_plan *plan)
{
    bool network = may_serve(kernel) && plan->verdict != MIR_VERDICT_NO_NETWORK;
    plan->place = quote->place;
    if (!network && !request->place.open_given)
        plan->place.open_count = 0; /* nothing could answer there */
    if (network)
        plan->wants_url |= mir_place_opens(&plan->place, 80) || mir_place_opens(&plan->place, 443);
}

/* A guest that lacks a device of its manifest aborts at once: no --anyway helps against that. */
static int plan_devices(const struct mir_kernel *kernel, const struct mir_provider *provider,
                        const struct mird_plan *plan, struct mir_error *err)
{
    unsigned ports = plan->port_count + plan->place.open_count;
    if (!provider->offer || !mir_preflight(kernel, provider->offer(kernel), ports, err))
        return 0;
    return mir_error_wrap(err, "this %s kernel cannot run on %s", mir_format_name(kernel->format),
                          provider->name);
}

static int plan_proof(const struct mird_request *request, const struct mir_provider *provider,
                      struct mir_error *err)
{
    if (!request->prove || provider->image_put)
        return 0;
    mir_fail(err, MIR_USAGE,
             "there is nothing to prove before a deployment to %s: no image is "
             "uploaded",
             provider->name);
    return mir_error_hint(err, "leave --prove away");
}

/* What has no end cannot be ended at it. */
static void add_hook(struct mird_plan *plan, const char *name, const char *when)
{
    if (mir_forever(plan->deadline_s) || plan->hook_count == MIR_HOOKS_MAX)
        return;
    plan->hooks_when[plan->hook_count] = when;
    mir_copy(plan->hooks[plan->hook_count++], sizeof plan->hooks[0], name);
}

static int plan_cost(const struct mir_provider *provider, const struct mir_quote *quote,
                     const struct mird_policy *policy, const struct mird_load *load, int64_t now_s,
                     struct mird_plan *plan, struct mir_error *err)
{
    plan->price = quote->price;
    const struct mird_budget budget = {.provider = provider->name,
                                       .price = &plan->price,
                                       .created_s = now_s,
                                       .deadline_s = plan->deadline_s,
                                       .own_micro = quote->place.budget_micro,
                                       .all_micro = policy->budget_micro,
                                       .committed = &load->committed};
    return mird_budget_check(&budget, err);
}

static void plan_hooks(const struct mir_provider *provider, unsigned off, struct mird_plan *plan)
{
    for (size_t i = 0; provider->hook_names && provider->hook_names[i]; i++)
        if (!(off >> i & 1))
            add_hook(plan, provider->hook_names[i],
                     provider->hooks_when ? provider->hooks_when[i] : NULL);
    add_hook(plan, "daemon", NULL);
    if (plan->takes_part & MIR_PART_DEADLINE)
        add_hook(plan, "guest", NULL);
}

/* By the hook: what it depends on that nobody was asked about. */
static json_t *hooks_when_json(const struct mird_plan *plan)
{
    json_t *when = json_object();
    for (unsigned i = 0; i < plan->hook_count; i++)
        if (plan->hooks_when[i])
            json_object_set_new(when, plan->hooks[i], json_string(plan->hooks_when[i]));
    return when;
}

/* A kernel that reads arguments is given the deadline by one, and the user's own come behind it and
 * overrule it: then it is not the lease's that the guest keeps. */
static uint32_t takes_part(const struct mird_request *request, const struct mir_kernel *kernel)
{
    const char *own = strstr(request->arguments, "deadline=");
    bool overruled = own && (own == request->arguments || own[-1] == ' ');
    return kernel->takes_part & MIR_PART_ARGS && overruled
               ? kernel->takes_part & ~(uint32_t)MIR_PART_DEADLINE
               : kernel->takes_part;
}

/* A shim's kernel sees what the host gives it, and nothing that is ours. */
static void refuse_shims(const struct mir_kernel *plain, struct mir_kernel *view)
{
    for (unsigned i = 0; i < view->family_count; i++) {
        struct mir_family *family = &view->families[i];
        if (plain->families[i].carrier != MIR_CARRIER_SHIM)
            continue;
        family->verdict = MIR_VERDICT_CANNOT;
        mir_copy(family->why, sizeof family->why,
                 "On these types a shim starts the kernel, which gives it no block devices: take a "
                 "type with another carrier.");
    }
}

int mird_burden_make(const struct mird_request *request, const struct mir_kernel *plain,
                     struct mird_burden *ret, struct mir_error *err)
{
    const char *provider = request->provider;
    uint64_t wanted = request->memory_bytes;
    ret->guest_bytes = 0;
    ret->plain = NULL;
    if (!img_carrier_view(plain, provider, request->carrier, &ret->kernel)) {
        if (request->carrier == IMG_CARRIER_ALWAYS)
            return no_carrier(request, plain, "", err);
        ret->kernel = *plain;
        ret->memory_bytes = wanted ? wanted : plain->min_memory_bytes;
        return 0;
    }
    ret->plain = plain;
    ret->guest_bytes = wanted ? wanted : img_carrier_guest_bytes(plain);
    ret->kernel.min_memory_bytes = img_carrier_machine_bytes(
        img_carrier_shape(plain, provider, ""), plain->unpacked_bytes, ret->guest_bytes);
    ret->memory_bytes = ret->kernel.min_memory_bytes;
    ret->kernel.unpacked_bytes += mir_blocks_bytes(&request->blocks);
    if (request->blocks.count)
        refuse_shims(plain, &ret->kernel);
    return 0;
}

/* Named where they are not what the kernel demands, or can be given to nobody. */
static int plan_blocks(const struct mird_request *request, const struct mird_burden *burden,
                       struct mir_error *err)
{
    const struct mir_blocks *blocks = &request->blocks;
    const char *names[MIR_BLOCKS_MAX];
    for (unsigned i = 0; i < blocks->count; i++)
        names[i] = blocks->list[i].name;
    if (burden->plain)
        return img_blocks_check(burden->plain, names, blocks->count, err);
    if (!blocks->count)
        return 0;
    mir_fail(err, MIR_POLICY,
             "the block device %s is for a kernel in a carrier, and this %s "
             "kernel starts on %s without one",
             names[0], mir_format_name(burden->kernel.format), request->provider);
    return mir_error_hint(err, "leave --block away; or --carrier always, where `mirage-deploy "
                               "inspect` names a carrier");
}

/* The machine's memory is made of the guest's, which is what was asked for. */
static int plan_carrier(const struct mird_request *request, const struct mird_burden *burden,
                        const struct mir_quote *quote, struct mird_plan *plan,
                        struct mir_error *err)
{
    const struct mir_kernel *kernel = burden->plain;
    if (!kernel)
        return 0;
    plan->verdict = MIR_VERDICT_CARRIER;
    plan->carrier = img_carrier_shape(kernel, request->provider, quote->family);
    plan->guest_bytes = burden->guest_bytes;
    if (plan->carrier == MIR_CARRIER_SHIM) /* which is nothing but the kernel */
        plan->takes_part = 0;
    if (burden->guest_bytes >= kernel->min_memory_bytes)
        return 0;
    uint64_t least = round_up(kernel->min_memory_bytes, MIB) / MIB;
    mir_fail(err, MIR_POLICY,
             "%" PRIu64 " MiB of memory are too few: the kernel needs %" PRIu64 " MiB",
             burden->guest_bytes / MIB, least);
    return mir_error_hint(err, "deploy with --memory %" PRIu64 "M or more", least);
}

int mird_plan_make(const struct mird_request *request, const struct mird_burden *burden,
                   const struct mir_provider *provider, const struct mir_quote *quote,
                   const struct mird_policy *policy, const struct mird_load *load, int64_t now_s,
                   struct mird_plan *ret, struct mir_error *err)
{
    const struct mir_kernel *kernel = &burden->kernel;
    struct mird_plan plan = {.takes_part = takes_part(request, kernel)};
    if (load->live >= policy->deployments_max) {
        mir_fail(err, MIR_POLICY, "%u deployments are under way; no more are allowed", load->live);
        return mir_error_hint(err, "end one with mirage-deploy rm NAME, or raise deployments_max "
                                   "in section [policy]");
    }
    if (plan_deadline(request, provider, policy, now_s, &plan, err) ||
        plan_proof(request, provider, err) ||
        plan_boot(request, burden, provider, quote, &plan, err) ||
        plan_blocks(request, burden, err) || plan_carrier(request, burden, quote, &plan, err) ||
        plan_machine(request, burden, provider, &plan, err) ||
        plan_memory(burden->plain ? 0 : request->memory_bytes, kernel, quote, policy, &plan, err) ||
        plan_ports(request, kernel, provider, &plan, err))
        return -1;
    plan_open(request, kernel, quote, &plan);
    if (mird_ownership_plan(request, burden, &plan, err) ||
        plan_devices(kernel, provider, &plan, err) ||
        plan_cost(provider, quote, policy, load, now_s, &plan, err))
        return -1;
    plan_hooks(provider, quote->hooks_off, &plan);
    *ret = plan;
    return 0;
}

/* --- the document --- */

static json_t *carrier_step(const struct mird_plan *plan, const struct mir_blocks *blocks)
{
    static const char *const does[] = {
        [MIR_CARRIER_NONE] = "",
        [MIR_CARRIER_LINUX] = "make a disk with a Linux and the kernel's tender",
        [MIR_CARRIER_XEN] = "make a disk with Xen, a Linux for it, and the kernel",
        [MIR_CARRIER_SHIM] = "make a disk with Xen's PV shim and the kernel"};
    return json_pack("{s:s,s:s,s:I}", "name", "image", "does", does[plan->carrier], "bytes",
                     (json_int_t)mir_blocks_bytes(blocks));
}

static json_t *steps_json(const struct mird_plan *plan, const struct mird_request *request,
                          const struct mir_kernel *kernel)
{
    json_t *steps = json_array();
    if (request->prove)
        json_array_append_new(steps, json_pack("{s:s,s:s,s:i}", "name", "proof", "does",
                                               "start its disk on this machine first", "bytes", 0));
    if (plan->carrier != MIR_CARRIER_NONE)
        json_array_append_new(steps, carrier_step(plan, &request->blocks));
    else if (kernel->container != MIR_CONTAINER_NONE)
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
    json_object_set_new(doc, "carrier", json_string(mir_carrier_name(plan->carrier)));
    json_object_set_new(doc, "guest_bytes",
                        plan->carrier ? json_integer((json_int_t)plan->guest_bytes) : json_null());
    json_object_set_new(doc, "blocks", mir_blocks_to_json(&request->blocks));
    json_object_set_new(doc, "answer_ownership",
                        json_boolean(plan->carrier && plan->takes_part & MIR_PART_WELL_KNOWN));
    json_object_set_new(doc, "steps", steps_json(plan, request, kernel));
    json_object_set_new(doc, "ports", ports_json(plan));
    json_object_set_new(doc, "hooks", hooks);
    json_object_set_new(doc, "hooks_when", hooks_when_json(plan));
    json_object_set_new(doc, "place", mir_place_to_json(&plan->place));
    json_object_set_new(doc, "family", *plan->family ? json_string(plan->family) : json_null());
    json_object_set_new(doc, "cost",
                        mird_cost_json(&plan->price, plan->place.budget_micro, 0,
                                       mird_cost_most(&plan->price, now_s, plan->deadline_s)));
    return doc;
}
