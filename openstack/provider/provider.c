/* SPDX-License-Identifier: ISC */
/* The table of contents of this provider, and its opening. */
#include "openstack/provider.h"

#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "stack.h"

/* What Nova may take to show what was made, and to end it: facts are in openstack/README.md. */
#define POLL_MS 10000
#define LEASE_MIN_S 120
#define SETTLE_S 90
#define SECTION "openstack"

static const struct mir_config_key config_keys[] = {
    {"cloud", "the cloud of clouds.yaml that is used (as the OpenStack tools choose it)"},
    {"region", "the region of deployments that name none (as the cloud has it)"},
    {"clouds", "names of other clouds in which is looked for what is ours, a blank between them"},
    {"network", "the network that servers stand in, by name or id (the only one there is)"},
    {"floating_network", "the network that floating addresses come from, by name or id; none: the "
                         "server's own address is reached (the only external one)"},
    {"flavor", "the flavor of deployments that name none (the smallest that fits)"},
    {"image_format", "of disks: raw or qcow2 (as the cloud's vendor says, or qcow2)"},
    {"boot", "kernel: the cloud loads the kernel by itself; disk: a boot loader on a disk does; "
             "auto: the first where the kernel and the cloud can (auto)"},
    {"keypair", "the name of a key pair that servers are given, for systems that read it (none)"},
    {"zone", "the availability zone that servers stand in (the cloud's choice)"},
    {"config_drive", "yes: a drive with what the metadata service says, for systems that want one "
                     "(no)"},
    {"lease", "yes: servers stand in leases of Blazar, which end them, where the cloud's operator "
              "has given hosts to it (no)"},
    {"prices", "what flavors cost by the hour in US dollars, as FLAVOR=0.01,...: no OpenStack "
               "says it, and without it no budget can hold them"},
    {NULL, NULL},
};

static int read_choices(struct stack *stack, const struct mir_config *config, struct mir_error *err)
{
    static const char *const boots[] = {"auto", "kernel", "disk", NULL};
    static const char *const formats[] = {"", "raw", "qcow2", NULL};
    static const char *const no_yes[] = {"no", "yes", NULL};
    int boot, format, drive, lease;
    if (mir_config_choice(config, SECTION, "boot", boots, &boot, err) ||
        mir_config_choice(config, SECTION, "image_format", formats, &format, err) ||
        mir_config_choice(config, SECTION, "config_drive", no_yes, &drive, err) ||
        mir_config_choice(config, SECTION, "lease", no_yes, &lease, err))
        return -1;
    stack->boot = (enum stack_boot)boot;
    stack->config_drive = drive == 1;
    stack->leased = lease == 1;
    mir_copy(stack->image_format, sizeof stack->image_format, formats[format]);
    return 0;
}

/* A price that cannot be read would make something free. */
static int check_prices(const char *prices, struct mir_error *err)
{
    for (const char *p = prices; p && *p; p += strspn(p, ", ")) {
        size_t len = strcspn(p, ",");
        int64_t micro;
        mir_auto_free char *one = mir_format("%.*s", (int)len, p);
        const char *amount = strchr(one, '=');
        p += len;
        if (!amount || amount == one || mir_money_parse(amount + 1, &micro, NULL)) {
            mir_fail(err, MIR_USAGE, "[openstack] prices: '%.60s' is no price", one);
            return mir_error_hint(err, "write FLAVOR=DOLLARS, such as m1.tiny=0.005");
        }
    }
    return 0;
}

static int read_settings(struct stack *stack, const struct mir_config *config,
                         struct mir_error *err)
{
    const struct mir_config_text rows[] = {
        {"cloud", stack->cloud, sizeof stack->cloud},
        {"region", stack->region, sizeof stack->region},
        {"clouds", stack->clouds, sizeof stack->clouds},
        {"network", stack->network, sizeof stack->network},
        {"floating_network", stack->floating_network, sizeof stack->floating_network},
        {"flavor", stack->flavor, sizeof stack->flavor},
        {"keypair", stack->keypair, sizeof stack->keypair},
        {"zone", stack->zone, sizeof stack->zone},
    };
    stack->prices = mir_config_said(config, SECTION, "prices");
    return mir_config_texts(config, SECTION, rows, MIR_NELEMS(rows), NULL, err) ||
                   read_choices(stack, config, err) || check_prices(stack->prices, err)
               ? -1
               : 0;
}

static void stack_free(struct stack *stack)
{
    stack_sites_free(stack);
    stack_consoles_free(stack);
    pthread_mutex_destroy(&stack->lock);
    free(stack->seen);
    free(stack->folder);
    free(stack);
}

/* Which cloud is the usual one is decided once: its name stands beside what is written down.
 * Without one there are still those that are asked for by name. */
static int name_cloud(struct stack *stack, struct mir_error *err)
{
    struct os_cloud cloud;
    if (stack_described(&stack->configured, err))
        return -1;
    if (!stack->configured && !*stack->cloud)
        return 0;
    stack->configured = true;
    if (stack_describe(stack->cloud, stack->region, &cloud, &stack->why)) {
        stack->cloud[0] = '\0';
        return 0;
    }
    if (mir_cloud_check(cloud.name, &stack->why))
        stack->cloud[0] = '\0';
    else
        mir_copy(stack->cloud, sizeof stack->cloud, cloud.name);
    os_cloud_clear(&cloud);
    return 0;
}

static int stack_open(const struct mir_provider_env *env, void **ret_ctx, struct mir_error *err)
{
    struct stack *stack = mir_calloc(1, sizeof *stack);
    stack->clock = env->clock;
    stack->fence = env->fence;
    stack->imager = env->imager;
    stack->folder = mir_format("%s/openstack", env->state_dir);
    pthread_mutex_init(&stack->lock, NULL);
    stack->tag_key = env->tag_key;
    mir_copy(stack->installation, sizeof stack->installation,
             env->installation ? env->installation : "");
    int rc = read_settings(stack, env->config, err);
    if (!rc)
        rc = name_cloud(stack, err);
    if (rc) {
        stack_free(stack);
        return -1;
    }
    stack_places_load(stack);
    *ret_ctx = stack;
    return 0;
}

/* Servers go on: they have their hooks. */
static void stack_close(void *ctx)
{
    stack_free(ctx);
}

int stack_ready(const struct stack *stack, struct mir_error *err)
{
    if (*stack->cloud)
        return 0;
    if (stack->configured)
        return stack_said(&stack->why, err);
    mir_fail(err, MIR_CREDENTIALS, "no OpenStack is known here");
    return mir_error_hint(err, "write a clouds.yaml, as the OpenStack tools read it, or set the "
                               "OS_* variables, and start the daemon again");
}

static bool stack_configured(void *ctx)
{
    const struct stack *stack = ctx;
    return stack->configured;
}

static int64_t stack_date(void *ctx, int64_t *ret_boot_ms)
{
    struct stack *stack = ctx;
    int64_t newest_ms = 0, boot_ms = 0;
    pthread_mutex_lock(&stack->lock);
    for (size_t i = 0; i < stack->site_count; i++) {
        int64_t at_boot_ms = 0;
        int64_t date_ms = os_session_date(stack->sites[i]->session, &at_boot_ms);
        if (date_ms && at_boot_ms > boot_ms) {
            newest_ms = date_ms;
            boot_ms = at_boot_ms;
        }
    }
    pthread_mutex_unlock(&stack->lock);
    *ret_boot_ms = boot_ms;
    return newest_ms;
}

static const char *const hook_names[] = {
    [STACK_HOOK_SCHEDULE] = "cloud-schedule", [STACK_HOOK_LEASE] = "cloud-lease", NULL};
static const char *const hooks_when[] = {
    [STACK_HOOK_SCHEDULE] = "where the cloud has Mistral", [STACK_HOOK_LEASE] = NULL};

const struct mir_provider mir_provider_openstack = {
    .name = "openstack",
    .title = "OpenStack",
    .paid = true,
    .poll_ms = POLL_MS,
    .lease_min_s = LEASE_MIN_S,
    .settle_s = SETTLE_S,
    .config_keys = config_keys,
    .hook_names = hook_names,
    .hooks_when = hooks_when,
    .quote = stack_quote,
    .open = stack_open,
    .close = stack_close,
    .check = stack_check,
    .admit = stack_admit,
    .image_put = stack_image_put,
    .image_get = stack_image_get,
    .image_delete = stack_image_delete,
    .instance_create = stack_instance_create,
    .instance_get = stack_instance_get,
    .instance_delete = stack_instance_delete,
    .instance_console = stack_instance_console,
    .hooks_arm = stack_hooks_arm,
    .configured = stack_configured,
    .date = stack_date,
    .caller = stack_caller,
    .covered = stack_covered,
    .note_put = stack_note_put,
    .note_get = stack_note_get,
    .place_name = stack_place_name,
    .sweep = stack_sweep,
    .sweep_place = stack_sweep_place,
};
