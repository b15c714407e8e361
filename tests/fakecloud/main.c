/* SPDX-License-Identifier: ISC */
/* mirage-fakecloud: a strict stand-in for the clouds' APIs, for tests and for trying things without
 * an account. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/buf.h"
#include "api/log.h"
#include "api/memory.h"
#include "api/scarce.h"
#include "api/suggest.h"
#include "fetch.h"
#include "guests.h"
#include "os.h"
#include "service.h"

#define SETTINGS_MAX 32

struct options {
    const char *listen, *state, *guests;
    const char *set[SETTINGS_MAX];
    size_t set_count;
    bool help, verbose;
};

static const char usage[] =
    "usage: mirage-fakecloud --listen ADDRESS:PORT --state DIR [OPTIONS]\n\n"
    "Stands in for AWS and for an OpenStack, with signatures, states, paging and tokens as strict\n"
    "as the clouds' own or stricter. Prints the environment that points clients at it, then "
    "serves\n"
    "until it is ended. What exists is GET /_ledger; POST /_faults scripts trouble, POST /_clock "
    "moves\n"
    "time.\n\nOptions:\n"
    "  --listen ADDRESS:PORT  where to listen; port 0 is any free one\n"
    "  --state DIR            where everything is kept; a restart goes on with it\n"
    "  --guests none|qemu     what launched instances are: only states, or machines under QEMU\n"
    "  --set NAME=VALUE       a setting, as of POST /_settings; several times\n"
    "  --verbose              one line per call on standard error\n"
    "  --help                 print this\n";

static int complain(const struct mir_error *err)
{
    fprintf(stderr, "mirage-fakecloud: %s\n", err->text);
    if (err->hint[0])
        fprintf(stderr, "hint: %s\n", err->hint);
    return mir_kind_info(err->kind)->exit_code;
}

static int take_value(struct options *options, const char *name, const char *value,
                      struct mir_error *err)
{
    static const char *const names[] = {"--listen", "--state", "--guests",
                                        "--set",    "--help",  "--verbose"};
    const char **slots[] = {&options->listen, &options->state, &options->guests};
    for (size_t i = 0; i < MIR_NELEMS(slots); i++)
        if (!strcmp(name, names[i])) {
            *slots[i] = value;
            return value ? 0 : mir_fail(err, MIR_USAGE, "%s needs a value", name);
        }
    if (!strcmp(name, "--set") && value && options->set_count < SETTINGS_MAX) {
        options->set[options->set_count++] = value;
        return 0;
    }
    const char *near = mir_suggest(name, names, MIR_NELEMS(names));
    mir_fail(err, MIR_USAGE, "unknown option %.60s", name);
    return near ? mir_error_hint(err, "did you mean %s?", near) : -1;
}

static bool wants_guests(const struct options *options)
{
    return options->guests && !strcmp(options->guests, "qemu");
}

static int read_options(int argc, char **argv, struct options *options, struct mir_error *err)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help"))
            options->help = true;
        else if (!strcmp(argv[i], "--verbose"))
            options->verbose = true;
        else if (take_value(options, argv[i], argv[i + 1], err))
            return -1;
        else
            i++;
    }
    if (options->help)
        return 0;
    if (!options->listen || !options->state)
        return mir_fail(err, MIR_USAGE, "--listen and --state have to be given");
    if (options->guests && strcmp(options->guests, "none") != 0 && !wants_guests(options))
        return mir_fail(err, MIR_USAGE, "--guests is none or qemu");
    return 0;
}

/* "127.0.0.1:0", "[::1]:8000" */
static int read_listen(const char *text, char address[64], uint16_t *ret_port,
                       struct mir_error *err)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
    bool bracket = *text == '[';
    size_t len = colon ? (size_t)(colon - text) : 0;
    if (bracket && len >= 2 && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (!colon || end == colon + 1 || *end || port > 65535 || len == 0 || len >= 64)
        return mir_fail(err, MIR_USAGE, "--listen is ADDRESS:PORT, not %.80s", text);
    memcpy(address, text, len);
    address[len] = '\0';
    *ret_port = (uint16_t)port;
    return 0;
}

static int apply_settings(struct fc_world *world, const struct options *options,
                          struct mir_error *err)
{
    for (size_t i = 0; i < options->set_count; i++) {
        char name[40], *end;
        size_t len = strcspn(options->set[i], "=");
        if (len >= sizeof name || !options->set[i][len])
            return mir_fail(err, MIR_USAGE, "--set is NAME=VALUE, not %.60s", options->set[i]);
        memcpy(name, options->set[i], len);
        name[len] = '\0';
        long long value = strtoll(options->set[i] + len + 1, &end, 10);
        if (*end || end == options->set[i] + len + 1)
            return mir_fail(err, MIR_USAGE, "%s has to be a whole number", name);
        if (fc_settings_set(&world->settings, name, value, err))
            return -1;
    }
    return 0;
}

static void print_environment(const struct fc_server *server, const char *address)
{
    const struct fc_account *account = &server->world->account;
    const char *left = strchr(address, ':') ? "[" : "", *right = *left ? "]" : "";
    mir_auto_free char *origin =
        mir_format("http://%s%s%s:%u", left, address, right, (unsigned)fc_edge_port(server->edge));
    mir_auto_buf struct mir_buf openstack;
    mir_buf_init(&openstack, 4096);
    fos_environment(server->world, origin, &openstack);
    fputs(mir_buf_text(&openstack), stdout);
    printf("AWS_ENDPOINT_URL=%s\n", origin);
    printf("AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", account->access_key,
           account->secret);
    printf("AWS_EC2_METADATA_SERVICE_ENDPOINT=%s/_imds/\n", origin);
    printf("AWS_REGION=%s\nAWS_DEFAULT_REGION=%s\n", fc_regions[0], fc_regions[0]);
    fflush(stdout);
}

static int64_t now_s(void *ctx)
{
    struct fc_server *server = ctx;
    pthread_mutex_lock(&server->world->lock);
    int64_t now_ms = fc_world_now_ms(server->world);
    pthread_mutex_unlock(&server->world->lock);
    return now_ms / 1000;
}

static int serve(const struct options *options, const sigset_t *set, struct mir_error *err)
{
    struct fc_server server = {0};
    char address[64];
    int sig = 0;
    struct fc_edge_config config = {
        .address = address, .handle = fc_dispatch, .now_s = now_s, .ctx = &server};
    if (read_listen(options->listen, address, &config.port, err) ||
        fc_world_open(options->state, &server.world, err))
        return -1;
    config.spool = server.world->dir;
    if (apply_settings(server.world, options, err) ||
        (wants_guests(options) && fc_guests_start(server.world, err)) ||
        fc_edge_start(&config, &server.edge, err)) {
        fc_guests_stop(server.world);
        fc_world_close(server.world);
        return -1;
    }
    fos_fetch_again(server.world);
    print_environment(&server, address);
    sigwait(set, &sig);
    fc_edge_stop(server.edge);
    fos_fetch_stop(server.world);
    fc_guests_stop(server.world);
    fc_world_close(server.world);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct mir_error err = {0};
    sigset_t set;
    mir_scarce_memory_ends();
    mir_scarce_crypto_ends();
    if (read_options(argc, argv, &options, &err))
        return complain(&err);
    if (options.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (options.verbose)
        mir_log_set_level(MIR_LOG_DEBUG);
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return serve(&options, &set, &err) ? complain(&err) : 0;
}
