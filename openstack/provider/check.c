/* SPDX-License-Identifier: ISC */
/* What `doctor openstack` says: which cloud counts and who asks it, what it has and allows. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "openstack/identity.h"
#include "stack.h"

#define CHECK_MS 15000 /* of all questions together */
#define SOON_S 86400

struct report {
    struct mir_check *rows;
    size_t max, count;
    struct mir_check beyond; /* for what does not fit; never read */
    struct stack *stack;
    struct stack_site *site;
    int64_t until_ms;
};

static struct mir_check *add(struct report *report, const char *name, enum mir_check_level level)
{
    if (report->count == report->max)
        return &report->beyond;
    struct mir_check *row = &report->rows[report->count++];
    *row = (struct mir_check){.level = level};
    mir_copy(row->name, sizeof row->name, name);
    return row;
}

static void add_error(struct report *report, const char *name, const struct mir_error *said)
{
    struct mir_check *row = add(report, name, MIR_CHECK_FAIL);
    mir_copy(row->detail, sizeof row->detail, said->text);
    mir_copy(row->fix, sizeof row->fix,
             *said->hint ? said->hint : "mend what is said there, and ask again");
}

/* Which file or variable said it; never a secret. */
static void check_settings(struct report *report)
{
    struct os_config_row rows[OS_CONFIG_ROWS_MAX];
    size_t count = stack_describe_rows(report->stack->cloud, report->stack->region, rows);
    char line[sizeof((struct mir_check *)0)->detail] = "";
    for (size_t i = 0; i < count; i++) {
        mir_auto_free char *one = mir_format("%s by %s", rows[i].name, rows[i].origin);
        if (*line && strlen(line) + strlen(one) + 3 > sizeof line) {
            mir_copy(add(report, "settings", MIR_CHECK_PASS)->detail, sizeof line, line);
            *line = '\0';
        }
        size_t len = strlen(line);
        snprintf(line + len, sizeof line - len, "%s%s", len ? ", " : "", one);
    }
    if (*line)
        mir_copy(add(report, "settings", MIR_CHECK_PASS)->detail, sizeof line, line);
}

/* False: nobody knows who asks, so nothing else needs to be asked. */
static bool check_identity(struct report *report)
{
    os_auto_who struct os_who who = {.user_name = NULL};
    struct mir_error said = {0};
    char expires[MIR_TIME_SIZE];
    if (os_who_am_i(report->site->session, report->until_ms, &who, &said)) {
        add_error(report, "identity", &said);
        return false;
    }
    mir_time_format(who.expires_s, expires);
    struct mir_check *row = add(report, "identity", MIR_CHECK_PASS);
    snprintf(row->detail, sizeof row->detail,
             "%.50s in project %.50s%s%.50s; the token holds until %.24s",
             who.user_name ? who.user_name : "?", who.project_name ? who.project_name : "?",
             who.application_credential ? ", by the application credential " : "",
             who.application_credential ? who.application_credential : "", expires);
    return true;
}

/* What ends while deployments live cannot end them. */
static void check_end(struct report *report)
{
    int64_t end_s = stack_credential_end(report->site, report->until_ms);
    char ends[MIR_TIME_SIZE];
    if (!end_s)
        return;
    mir_time_format(end_s, ends);
    bool soon = end_s < mir_now_s(report->stack->clock) + SOON_S;
    struct mir_check *row = add(report, "its end", soon ? MIR_CHECK_WARN : MIR_CHECK_PASS);
    snprintf(row->detail, sizeof row->detail,
             "the credential ends at %.24s; deployments that live longer are refused", ends);
    mir_copy(row->fix, sizeof row->fix,
             soon
                 ? "make another one in time, and write it into clouds.yaml: what is there already "
                   "is ended by that"
                 : "");
}

/* The four that a deployment needs; what else there is only helps. */
static void check_services(struct report *report)
{
    static const struct {
        enum os_service service;
        bool needed;
        const char *without;
    } rows[] = {
        {OS_IMAGE, true, "no image can be put"},
        {OS_COMPUTE, true, "there are no servers"},
        {OS_NETWORK, true, "no server can be reached"},
        {OS_WORKFLOW, false, "the cloud ends nothing by itself at a deadline (Mistral)"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const struct os_service_info *info = os_service_info(rows[i].service);
        struct mir_error said = {0};
        mir_auto_free char *name = mir_format("service %s", info->type);
        bool has = false;
        if (os_session_has(report->site->session, rows[i].service, report->until_ms, &has, &said)) {
            add_error(report, name, &said);
            continue;
        }
        enum mir_check_level level = has              ? MIR_CHECK_PASS
                                     : rows[i].needed ? MIR_CHECK_FAIL
                                                      : MIR_CHECK_WARN;
        struct mir_check *row = add(report, name, level);
        snprintf(row->detail, sizeof row->detail, "%s%s%s", info->title,
                 has ? "" : " is not in the catalog: ", has ? "" : rows[i].without);
        mir_copy(row->fix, sizeof row->fix,
                 has ? ""
                 : rows[i].needed
                     ? "choose another cloud or region, or name its endpoint"
                     : "run mirage-reap on another machine (--every), which counts too");
    }
}

static void check_quota(struct report *report)
{
    struct os_limits limits;
    struct mir_error said = {0};
    if (os_limits(report->site->session, report->until_ms, &limits, &said)) {
        add_error(report, "quota", &said);
        return;
    }
    bool full = limits.instances >= 0 && limits.instances_used >= limits.instances;
    struct mir_check *row = add(report, "quota", full ? MIR_CHECK_FAIL : MIR_CHECK_PASS);
    snprintf(row->detail, sizeof row->detail,
             "%lld of %lld servers, %lld of %lld cores, %lld of %lld MiB are in use",
             (long long)limits.instances_used, (long long)limits.instances,
             (long long)limits.cores_used, (long long)limits.cores, (long long)limits.ram_mib_used,
             (long long)limits.ram_mib);
    mir_copy(row->fix, sizeof row->fix,
             full ? "end something, or ask the cloud's operator for more" : "");
}

/* Where Neutron says it at all: what a deployment takes of it. */
static void check_network_quota(struct report *report)
{
    struct os_quota quota;
    if (os_network_quota(report->site->session, report->until_ms, &quota, NULL))
        return;
    const struct {
        const char *what;
        int64_t limit, used;
    } rows[] = {{"floating addresses", quota.floating_ips, quota.floating_ips_used},
                {"ports", quota.ports, quota.ports_used},
                {"security groups", quota.groups, quota.groups_used}};
    char line[sizeof((struct mir_check *)0)->detail] = "";
    bool full = false;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        size_t len = strlen(line);
        full |= rows[i].limit >= 0 && rows[i].used >= rows[i].limit;
        snprintf(line + len, sizeof line - len, "%s%lld of %lld %s", len ? ", " : "",
                 (long long)rows[i].used, (long long)rows[i].limit, rows[i].what);
    }
    struct mir_check *row =
        add(report, "quota of the network", full ? MIR_CHECK_FAIL : MIR_CHECK_PASS);
    snprintf(row->detail, sizeof row->detail, "%.220s are in use", line);
    mir_copy(row->fix, sizeof row->fix,
             full ? "give something back, or ask the cloud's operator for more" : "");
}

static void check_network(struct report *report)
{
    static const struct mir_place usual = {.region = ""};
    struct stack_network network;
    struct mir_error said = {0};
    if (stack_network_choose(report->stack, report->site, &usual, report->until_ms, &network,
                             &said)) {
        add_error(report, "network", &said);
        return;
    }
    struct mir_check *row = add(report, "network", MIR_CHECK_PASS);
    snprintf(row->detail, sizeof row->detail, "%s; %s%s%s",
             network.allocate ? "one that the cloud makes" : network.name,
             *network.floating_id ? "addresses from " : "the server's own address",
             network.floating_name, network.guarded ? "" : "; without security groups");
}

static void check_images(struct report *report)
{
    struct os_import_methods methods = {.rows = NULL};
    struct mir_error said = {0};
    char list[120] = "";
    size_t len = 0;
    if (os_image_import_methods(report->site->session, report->until_ms, &methods, &said)) {
        add_error(report, "images", &said);
        return;
    }
    for (size_t i = 0; i < methods.count && len + 4 < sizeof list; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%.40s", len ? ", " : "",
                                methods.rows[i].text);
    os_import_methods_clear(&methods);
    struct mir_check *row = add(report, "images", MIR_CHECK_PASS);
    snprintf(row->detail, sizeof row->detail, "by upload%s%s", *list ? "; import: " : "", list);
}

void stack_check(void *ctx, struct mir_check *checks, size_t max, size_t *ret_count)
{
    struct report report = {.rows = checks, .max = max, .stack = ctx};
    struct mir_error said = {0};
    char name[MIR_PLACE_TEXT] = "";
    if (stack_site(ctx, "", "", &report.site, &said)) {
        add_error(&report, "configuration", &said);
        *ret_count = report.count;
        return;
    }
    report.until_ms = os_until(report.site->session, CHECK_MS);
    struct mir_check *row = add(&report, "cloud", MIR_CHECK_PASS);
    snprintf(row->detail, sizeof row->detail, "%s at %s", report.site->described.name,
             report.site->described.auth_url ? report.site->described.auth_url : "?");
    check_settings(&report);
    if (check_identity(&report)) {
        if (stack_region(ctx, report.site, report.until_ms, name, &said))
            add_error(&report, "region", &said);
        else
            mir_copy(add(&report, "region", MIR_CHECK_PASS)->detail, 64,
                     *name ? name : "the only one");
        check_end(&report);
        check_services(&report);
        check_quota(&report);
        check_network_quota(&report);
        check_network(&report);
        check_images(&report);
    }
    *ret_count = report.count;
}
