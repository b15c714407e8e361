/* SPDX-License-Identifier: ISC */
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "api/suggest.h"

#define IN(command) (1u << IMG_##command)
#define IN_ALL (IN(INSPECT) | IN(UNPACK) | IN(BUILD))

typedef int take_fn(struct img_request *req, const char *value, struct mir_error *err);

static int number(const char *option, const char *text, uint64_t max, uint64_t *ret,
                  struct mir_error *err)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || value > max)
        return mir_fail(err, MIR_USAGE, "%s %.40s: a number is needed", option, text);
    *ret = value;
    return 0;
}

static int take_fd(struct img_request *req, const char *value, struct mir_error *err)
{
    uint64_t fd;
    if (number("--fd", value, 1 << 20, &fd, err))
        return mir_error_hint(err, "the number of a descriptor that is open here");
    req->fd = (int)fd;
    return 0;
}

static int take_json(struct img_request *req, const char *value, struct mir_error *err)
{
    (void)value;
    (void)err;
    req->json = true;
    return 0;
}

static int take_format(struct img_request *req, const char *value, struct mir_error *err)
{
    (void)err;
    req->format = value;
    return 0;
}

static int take_boot(struct img_request *req, const char *value, struct mir_error *err)
{
    (void)err;
    req->boot = value;
    return 0;
}

static int take_arguments(struct img_request *req, const char *value, struct mir_error *err)
{
    (void)err;
    req->arguments = value;
    return 0;
}

static int take_grub(struct img_request *req, const char *value, struct mir_error *err)
{
    (void)err;
    req->grub = value;
    return 0;
}

static int take_size(struct img_request *req, const char *value, struct mir_error *err)
{
    return number("--size", value, UINT64_MAX, &req->size_bytes, err);
}

static int take_module(struct img_request *req, const char *value, struct mir_error *err)
{
    if (req->module_count == IMG_MODULES_MAX)
        return mir_fail(err, MIR_USAGE, "more than %d modules", IMG_MODULES_MAX);
    req->modules[req->module_count++] = value;
    return 0;
}

static int take_block(struct img_request *req, const char *value, struct mir_error *err)
{
    if (req->block_count == IMG_BLOCKS_MAX)
        return mir_fail(err, MIR_USAGE, "more than %d block devices", IMG_BLOCKS_MAX);
    req->blocks[req->block_count++] = value;
    return 0;
}

static int take_carrier(struct img_request *req, const char *value, struct mir_error *err)
{
    (void)err;
    req->carrier = value;
    return 0;
}

static int take_carrier_conf(struct img_request *req, const char *value, struct mir_error *err)
{
    (void)err;
    req->carrier_conf = value;
    return 0;
}

static const struct {
    const char *name;
    bool takes_value;
    unsigned commands;
    take_fn *take;
} options[] = {
    {"--fd", true, IN_ALL, take_fd},
    {"--json", false, IN_ALL, take_json},
    {"--format", true, IN(BUILD), take_format},
    {"--boot", true, IN(BUILD), take_boot},
    {"--arguments", true, IN(BUILD), take_arguments},
    {"--grub", true, IN(BUILD), take_grub},
    {"--size", true, IN(BUILD), take_size},
    {"--module", true, IN(BUILD), take_module},
    {"--carrier", true, IN(BUILD), take_carrier},
    {"--carrier-conf", true, IN(BUILD), take_carrier_conf},
    {"--block", true, IN(BUILD), take_block},
};

static const char *const commands[] = {
    [IMG_INSPECT] = "inspect", [IMG_UNPACK] = "unpack", [IMG_BUILD] = "build"};

static int unknown_option(const struct img_request *req, const char *option, struct mir_error *err)
{
    const char *known[MIR_NELEMS(options)];
    size_t count = 0;
    for (size_t i = 0; i < MIR_NELEMS(options); i++)
        if (options[i].commands >> req->command & 1)
            known[count++] = options[i].name;
    const char *near = mir_suggest(option, known, count);
    mir_fail(err, MIR_USAGE, "unknown option %s", option);
    return near ? mir_error_hint(err, "did you mean %s?", near)
                : mir_error_hint(err, "see mirage-image --help");
}

/* One option; *at moves on when it takes a value. */
static int parse_option(int argc, char **argv, int *at, struct img_request *req,
                        struct mir_error *err)
{
    const char *option = argv[*at];
    for (size_t i = 0; i < MIR_NELEMS(options); i++) {
        if (strcmp(option, options[i].name) != 0 || !(options[i].commands >> req->command & 1))
            continue;
        if (options[i].takes_value && *at + 1 >= argc)
            return mir_fail(err, MIR_USAGE, "%s needs a value", option);
        return options[i].take(req, options[i].takes_value ? argv[++*at] : NULL, err);
    }
    return unknown_option(req, option, err);
}

static int parse_file(const char *file, struct img_request *req, struct mir_error *err)
{
    if (req->file)
        return mir_fail(err, MIR_USAGE, "one file at a time: %s and %s were given", req->file,
                        file);
    req->file = file;
    return 0;
}

static int parse_end(const struct img_request *req, struct mir_error *err)
{
    if (!req->file && req->fd < 0) {
        mir_fail(err, MIR_USAGE, "no file was given");
        return mir_error_hint(err, "mirage-image %s FILE", commands[req->command]);
    }
    if (req->file && req->fd >= 0)
        return mir_fail(err, MIR_USAGE, "a file and --fd were given: one of them is enough");
    if (req->command == IMG_BUILD && !req->format) {
        mir_fail(err, MIR_USAGE, "no --format was given");
        return mir_error_hint(err, "see mirage-image --help");
    }
    if (!req->carrier != !req->carrier_conf) {
        mir_fail(err, MIR_USAGE, "--carrier and --carrier-conf go together");
        return mir_error_hint(err, "see mirage-image --help");
    }
    if (req->carrier && (req->arguments || req->module_count)) {
        mir_fail(err, MIR_USAGE, "a carrier takes no --arguments and no --module");
        return mir_error_hint(err, "the kernel's arguments are a line of --carrier-conf");
    }
    return 0;
}

int img_request_parse(int argc, char **argv, struct img_request *ret, struct mir_error *err)
{
    struct img_request *req = ret;
    bool taking_options = true;
    *req = (struct img_request){.fd = -1};
    for (size_t i = 0; i < MIR_NELEMS(commands); i++)
        if (!strcmp(argv[1], commands[i]))
            req->command = (enum img_command)i;
    for (int i = 2; i < argc; i++)
        req->json |= !strcmp(argv[i], "--json"); /* an error in the others is JSON already */
    for (int i = 2; i < argc; i++) {
        int rc;
        if (taking_options && !strcmp(argv[i], "--")) {
            taking_options = false;
            continue;
        }
        if (taking_options && argv[i][0] == '-' && argv[i][1])
            rc = parse_option(argc, argv, &i, req, err);
        else
            rc = parse_file(argv[i], req, err);
        if (rc)
            return -1;
    }
    return parse_end(req, err);
}
