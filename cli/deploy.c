/* SPDX-License-Identifier: ISC */
#include "deploy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/memory.h"
#include "api/process.h"
#include "api/provider.h"
#include "client.h"
#include "daemon_start.h"
#include "images/digest.h"
#include "images/helper.h"
#include "images/table_id.h"
#include "value.h"

/* Large kernels take the daemon a while to hash and look at, after the last byte. */
#define UPLOAD_TIMEOUT_MS 120000

static bool carrier_is(const struct cmd_context *ctx, const char *wish)
{
    const char *asked = cmd_args_text(&ctx->args, OPT_CARRIER);
    return asked && !strcmp(asked, wish);
}

/* Is there a kind of machine of the provider that may start it as it is? */
static bool may_start(const struct cmd_request *r)
{
    for (unsigned i = 0; i < r->kernel.family_count; i++) {
        const struct mir_family *row = &r->kernel.families[i];
        if (!strcmp(r->kernel.boots[row->boots].provider, r->provider) &&
            (row->verdict == MIR_VERDICT_BOOTS || row->verdict == MIR_VERDICT_UNKNOWN))
            return true;
    }
    return false;
}

/* What is wrong with deploying it there; NULL: nothing is, as far as is known here. */
static const char *what_is_wrong(const struct cmd_context *ctx, const struct cmd_request *r,
                                 enum mir_verdict verdict)
{
    if (verdict == MIR_VERDICT_CARRIER && carrier_is(ctx, "never") && !may_start(r))
        return "starts inside of a carrier only";
    if (carrier_is(ctx, "always"))
        return NULL;
    return verdict == MIR_VERDICT_CANNOT       ? "cannot boot"
           : verdict == MIR_VERDICT_NO_NETWORK ? "would have no network"
                                               : NULL;
}

/* Devices are given by carriers; whether a kernel is carried that may start as it is, too, the
 * daemon decides by the machine. */
static int check_blocks(const struct cmd_context *ctx, const struct cmd_request *r,
                        enum mir_verdict verdict, struct mir_error *err)
{
    bool carried =
        !carrier_is(ctx, "never") && (verdict == MIR_VERDICT_CARRIER || carrier_is(ctx, "always"));
    if (carried)
        return cmd_blocks_check(&r->blocks, &r->kernel, err)
                   ? mir_error_wrap(err, "%s cannot run on %s", r->path, r->provider)
                   : 0;
    if (!r->blocks.count)
        return 0;
    mir_fail(err, MIR_POLICY,
             "the block device %s is for a kernel in a carrier, and %s starts on "
             "%s without one",
             r->blocks.list[0].name, r->path, r->provider);
    return mir_error_hint(err,
                          "leave --block away; or --carrier always, where `mirage-deploy "
                          "inspect %s` names a carrier",
                          r->path);
}

/* The early answer, before anything is sent anywhere. */
static int check_verdict(const struct cmd_context *ctx, const struct cmd_request *r,
                         struct mir_error *err)
{
    const struct mir_boots *boots = mir_kernel_boots(&r->kernel, r->provider);
    enum mir_verdict verdict = boots ? boots->verdict : MIR_VERDICT_UNKNOWN;
    const char *wrong = what_is_wrong(ctx, r, verdict);
    if (!wrong)
        return check_blocks(ctx, r, verdict, err);
    bool carried = verdict == MIR_VERDICT_CARRIER, can_try = *boots->how && !carried;
    if (can_try && cmd_args_flag(&ctx->args, OPT_ANYWAY, false)) {
        cmd_say(ctx, "going on with --anyway although %s: %s", r->provider, boots->why);
        return 0;
    }
    mir_fail(err, MIR_POLICY, "%s %s on %s: %s", r->path, wrong, r->provider, boots->why);
    return mir_error_hint(err, "see where it boots: mirage-deploy inspect %s%s", r->path,
                          carried   ? "; or leave --carrier never away"
                          : can_try ? "; deploy it all the same with --anyway"
                                    : "");
}

static void set_text(json_t *body, const char *field, const char *text)
{
    if (text && *text)
        json_object_set_new(body, field, json_string(text));
}

static void set_ports(json_t *body, const struct cmd_args *args)
{
    const char *text;
    json_t *ports = json_array();
    for (size_t i = 0; (text = cmd_args_nth(args, OPT_PUBLISH, i)); i++) {
        struct mir_port port;
        if (cmd_port_parse(text, &port, NULL))
            continue; /* checked before */
        json_t *item = json_pack("{s:i}", "guest", (int)port.guest_port);
        if (port.host_port)
            json_object_set_new(item, "host", json_integer(port.host_port));
        set_text(item, "address", port.address);
        json_array_append_new(ports, item);
    }
    if (json_array_size(ports))
        json_object_set(body, "ports", ports);
    json_decref(ports);
}

static void set_machine(json_t *body, const struct cmd_args *args)
{
    json_t *machine = json_object();
    set_text(machine, "firmware", cmd_args_text(args, OPT_FIRMWARE));
    set_text(machine, "disk", cmd_args_text(args, OPT_DISK_BUS));
    set_text(machine, "nic", cmd_args_text(args, OPT_NIC));
    if (json_object_size(machine))
        json_object_set(body, "machine", machine);
    json_decref(machine);
}

static void set_flag(json_t *body, const char *field, const struct cmd_args *args, enum cmd_opt opt)
{
    if (cmd_args_flag(args, opt, false))
        json_object_set_new(body, field, json_true());
}

/* Without --cloud what the tools of OpenStack would take: the daemon may have been started where
 * another one was chosen. */
static const char *cloud_text(const struct cmd_args *args, const char *provider)
{
    const char *text = cmd_args_text(args, OPT_CLOUD);
    const char *usual = strcmp(provider, "openstack") != 0 ? NULL : getenv("OS_CLOUD");
    return text && *text ? text : usual && !mir_cloud_check(usual, NULL) ? usual : NULL;
}

static void set_place(json_t *body, const struct cmd_args *args, const char *provider)
{
    const char *text;
    json_t *place = json_object(), *open = json_array();
    set_text(place, "cloud", cloud_text(args, provider));
    set_text(place, "region", cmd_args_text(args, OPT_REGION));
    set_text(place, "type", cmd_args_text(args, OPT_TYPE));
    set_flag(place, "spot", args, OPT_SPOT);
    set_flag(place, "ipv6_only", args, OPT_IPV6_ONLY);
    set_flag(place, "keep_address", args, OPT_KEEP_ADDRESS);
    set_text(place, "budget", cmd_args_text(args, OPT_BUDGET));
    for (size_t i = 0; (text = cmd_args_nth(args, OPT_OPEN, i)); i++) {
        uint16_t port;
        if (!cmd_open_parse(text, &port, NULL)) /* checked before */
            json_array_append_new(open, json_integer(port));
    }
    if (json_array_size(open))
        json_object_set(place, "open", open);
    if (json_object_size(place))
        json_object_set(body, "place", place);
    json_decref(open);
    json_decref(place);
}

static int set_arguments(json_t *body, char *const *rest, struct mir_error *err)
{
    if (!rest || !*rest)
        return 0;
    json_t *list = json_array();
    for (; *rest; rest++)
        if (json_array_append_new(list, json_string(*rest))) {
            json_decref(list);
            mir_fail(err, MIR_USAGE, "a kernel argument is not UTF-8");
            return mir_error_hint(err, "kernel arguments are text");
        }
    json_object_set_new(body, "arguments", list);
    return 0;
}

static int build_body(const struct cmd_context *ctx, struct cmd_request *r, struct mir_error *err)
{
    const struct cmd_args *args = &ctx->args;
    json_t *body = r->body = json_pack("{s:s, s:s}", "provider", r->provider, "kernel", r->sha256);
    set_text(body, "name", cmd_args_text(args, OPT_NAME));
    set_text(body, "ttl", cmd_args_text(args, OPT_TTL));
    set_text(body, "until", cmd_args_text(args, OPT_UNTIL));
    set_text(body, "reason", cmd_args_text(args, OPT_REASON));
    if (cmd_args_item(args, OPT_FOREVER))
        json_object_set_new(body, "forever", json_true());
    set_text(body, "url", cmd_args_text(args, OPT_URL));
    uint64_t memory_bytes;
    const char *memory = cmd_args_text(args, OPT_MEMORY);
    if (memory && !cmd_size_parse(memory, &memory_bytes, NULL))
        json_object_set_new(body, "memory_bytes", json_integer((json_int_t)memory_bytes));
    if (cmd_args_item(args, OPT_LIST))
        json_object_set_new(body, "list", json_boolean(cmd_args_flag(args, OPT_LIST, true)));
    set_flag(body, "anyway", args, OPT_ANYWAY);
    set_flag(body, "prove", args, OPT_PROVE);
    set_text(body, "carrier", cmd_args_text(args, OPT_CARRIER));
    if (r->blocks.count)
        json_object_set_new(body, "blocks", cmd_blocks_json(&r->blocks));
    set_flag(body, "answer_ownership", args, OPT_ANSWER_OWNERSHIP);
    set_ports(body, args);
    set_machine(body, args);
    set_place(body, args, r->provider);
    return set_arguments(body, args->rest, err);
}

static void warn_env(void *ctx, const char *name, const char *near)
{
    cmd_say(ctx, "warning: nothing reads the variable %s%s%s%s", name,
            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

int cmd_request_prepare(struct cmd_context *ctx, const char *provider, struct cmd_request *ret,
                        struct mir_error *err)
{
    *ret = (struct cmd_request){.provider = provider, .fd = -1};
    ret->path = cmd_args_text(&ctx->args, OPT_KERNEL);
    cmd_args_unknown_env(warn_env, ctx);
    if (cmd_args_item(&ctx->args, OPT_FOREVER) &&
        cmd_args_require(&ctx->args, OPT_REASON, cmd_may_ask(ctx), err))
        return -1;
    if (img_open_file(ret->path, &ret->fd, err) ||
        img_digest_fd(ret->fd, ret->path, ret->sha256, err) ||
        cmd_blocks_open(&ctx->args, &ret->blocks, err))
        return -1;
    return build_body(ctx, ret, err);
}

/* What a daemon that runs already has kept of the inspection of these bytes. One that writes it
 * otherwise than we read it, or by another edition of the rules (another version), has told
 * nothing. */
static bool kept_there(struct cmd_context *ctx, struct cmd_request *r)
{
    mir_auto_free char *target = cmd_target("kernels", r->sha256, NULL);
    struct mir_error ignored = {0};
    json_t *kept = NULL;
    bool kept_one = !cmd_call(ctx, "GET", target, NULL, &kept, &ignored) &&
                    !mir_kernel_from_json(kept, &r->kernel, &ignored) &&
                    !strcmp(r->kernel.sha256, r->sha256) &&
                    !strcmp(r->kernel.table, img_table_id());
    json_decref(kept);
    return kept_one;
}

static int inspect_here(struct cmd_request *r, struct mir_error *err)
{
    mir_auto_free char *helper = mir_program_path("mirage-image", err);
    if (!helper || img_inspect_fd(helper, r->fd, r->path, 0, &r->kernel, err))
        return -1;
    if (!strcmp(r->kernel.sha256, r->sha256))
        return 0;
    mir_fail(err, MIR_CONFLICT, "%s changed while it was read", r->path);
    return mir_error_hint(err, "is a build still writing it? try again when it is done");
}

int cmd_request_judge(struct cmd_context *ctx, struct cmd_request *request, struct mir_error *err)
{
    request->stored = kept_there(ctx, request);
    if (!request->stored && inspect_here(request, err))
        return -1;
    return check_verdict(ctx, request, err);
}

void cmd_request_clear(struct cmd_request *request)
{
    if (request->fd >= 0)
        close(request->fd);
    cmd_blocks_clear(&request->blocks);
    json_decref(request->body);
}

/* A file that the daemon keeps by its digest. */
struct thing {
    const char *kind; /* of the path */
    const char *noun; /* for people */
    const char *path, *sha256;
    int fd;
};

struct upload {
    const struct cmd_context *ctx;
    const char *noun;
    int64_t total_bytes;
    int64_t shown_ms;
};

static void on_sent(void *ctx, int64_t bytes)
{
    struct upload *upload = ctx;
    const struct mir_clock *clock = mir_clock_system();
    int64_t now_ms = clock->boot_ms(clock->ctx);
    bool last = bytes == upload->total_bytes;
    if (upload->ctx->quiet || !upload->ctx->err.tty || (!last && now_ms - upload->shown_ms < 100))
        return;
    upload->shown_ms = now_ms;
    char done[32], total[32];
    cmd_size_format((uint64_t)bytes, done, sizeof done);
    cmd_size_format((uint64_t)upload->total_bytes, total, sizeof total);
    fprintf(upload->ctx->err.file, "\rsending %s: %s of %s   %s", upload->noun, done, total,
            last ? "\n" : "");
    fflush(upload->ctx->err.file);
}

static int put_thing(struct cmd_context *ctx, const struct thing *r, struct mir_error *err)
{
    struct stat st;
    if (fstat(r->fd, &st))
        return mir_fail_errno(err, errno, "%s", r->path);
    mir_auto_free char *target = cmd_target(r->kind, r->sha256, NULL);
    struct upload upload = {.ctx = ctx, .noun = r->noun, .total_bytes = st.st_size};
    struct cmd_http_request request = {.method = "PUT",
                                       .target = target,
                                       .fields = {"Content-Type: application/octet-stream"},
                                       .from_file = true,
                                       .body_fd = r->fd,
                                       .body_bytes = st.st_size,
                                       .sent = on_sent,
                                       .sent_ctx = &upload,
                                       .timeout_ms = UPLOAD_TIMEOUT_MS};
    char size[32];
    cmd_size_format((uint64_t)st.st_size, size, sizeof size);
    if (!ctx->err.tty)
        cmd_say(ctx, "sending %s (%s)", r->noun, size);
    return cmd_call_with(ctx, &request, NULL, NULL, err);
}

/* *ret_sent: the daemon did not have it. */
static int ensure_thing(struct cmd_context *ctx, const struct thing *thing, bool *ret_sent,
                        struct mir_error *err)
{
    mir_auto_free char *target = cmd_target(thing->kind, thing->sha256, NULL);
    struct mir_error local = {0};
    if (!cmd_call(ctx, "GET", target, NULL, NULL, &local))
        return 0;
    if (local.kind == MIR_NOT_FOUND) {
        *ret_sent = !put_thing(ctx, thing, err);
        return *ret_sent ? 0 : -1;
    }
    if (err)
        *err = local;
    return -1;
}

static int ensure_blocks(struct cmd_context *ctx, const struct cmd_blocks *blocks,
                         struct mir_error *err)
{
    for (size_t i = 0; i < blocks->count; i++) {
        const struct cmd_block *block = &blocks->list[i];
        mir_auto_free char *noun = mir_format("the block device %s", block->name);
        const struct thing thing = {"blocks", noun, block->path, block->sha256, block->fd};
        bool sent;
        if (ensure_thing(ctx, &thing, &sent, err))
            return mir_error_wrap(err, "%s", block->path);
    }
    return 0;
}

int cmd_request_upload(struct cmd_context *ctx, struct cmd_request *r, struct mir_error *err)
{
    const struct thing kernel = {"kernels", "the kernel", r->path, r->sha256, r->fd};
    if (r->stored && !r->blocks.count)
        return 0;
    if (cmd_daemon_ensure(ctx, NULL, err) ||
        (!r->stored && ensure_thing(ctx, &kernel, &r->sent, err)))
        return -1;
    return ensure_blocks(ctx, &r->blocks, err);
}
