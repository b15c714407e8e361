/* SPDX-License-Identifier: ISC */
/*
 * mirage-carrier: makes the base of a carrier, the part of a disk image that is the same for every
 * kernel, of the distribution's packages. Installs nothing and needs no root; what it reads has
 * been signed by the distribution.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/json.h"
#include "api/memory.h"
#include "api/process.h"
#include "cache.h"
#include "make.h"

static const char usage[] =
    "usage: mirage-carrier make xen|linux|shim [OPTIONS]\n"
    "       mirage-carrier --version | --help\n"
    "\n"
    "Makes the base of a carrier: the part of its disk image that is the same for every kernel, "
    "of\n"
    "Debian's packages, which apt fetches into a cache. Nothing is installed; no root is needed.\n"
    "What is there already is found in milliseconds. docs/CARRIERS.md says what it is made of.\n"
    "\n"
    "  --cache DIR      default: $XDG_CACHE_HOME/mirage-deploy/carrier\n"
    "  --packages DIR   take .deb files from there; apt is not asked\n"
    "  --init FILE      the first process; default: the one that was built with this\n"
    "  --tender FILE    solo5-spt or solo5-hvt, for linux; of another name as solo5-spt=FILE\n"
    "  --offline        of what is in the cache, or not at all\n"
    "  --refresh        ask apt for the newest packages, with lists fetched now\n"
    "  --json           the answer, or the error, as one line of JSON on stdout\n"
    "\n"
    "exit status: 0 done, 1 failed, 2 bad arguments or a damaged package, 3 a package or file is\n"
    "             missing, 5 no room or no permission, 8 no network and nothing in the cache, or "
    "no\n"
    "             apt or dpkg-deb\n";

struct request {
    struct img_make make;
    bool json;
};

/* --- output --- */

/* stderr may be a terminal: nothing of a file's name or of apt's words moves its cursor. */
static void put_line(const char *text, const char *hint)
{
    mir_auto_free char *line =
        mir_format("mirage-carrier: %s%s%s%s", text, *hint ? " (" : "", hint, *hint ? ")" : "");
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    fprintf(stderr, "%s\n", line);
}

static void say(const char *text)
{
    put_line(text, "");
}

static void put_json(json_t *json)
{
    mir_auto_free char *text = mir_json_text(json);
    json_decref(json);
    puts(text);
}

/* JSON is UTF-8; a path may be anything. */
static json_t *text_json(const char *text)
{
    json_t *json = json_string(text);
    if (json)
        return json;
    mir_auto_free char *ascii = mir_strdup(text);
    for (char *p = ascii; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    return json_string(ascii);
}

static int fail(const struct mir_error *err, bool json)
{
    const struct mir_kind_info *kind = mir_kind_info(err->kind);
    if (json)
        put_json(json_pack("{s:{s:s, s:o, s:o}}", "error", "code", kind->name, "text",
                           text_json(err->text), "hint", text_json(err->hint)));
    else
        put_line(err->text, err->hint);
    return kind->exit_code;
}

static void show(const struct request *req, const struct img_made *made)
{
    const char *shape = mir_carrier_name(req->make.carrier);
    if (req->json)
        put_json(json_pack("{s:s, s:o, s:s, s:b, s:I, s:I, s:I}", "shape", shape, "folder",
                           text_json(made->folder), "digest", made->digest, "made", made->made,
                           "packages", (json_int_t)made->packages, "bytes", (json_int_t)made->bytes,
                           "looked", (json_int_t)made->looked_s));
    else
        printf("%s\n", made->folder);
}

/* --- the command line --- */

static int take_tender(struct img_make *make, const char *value, struct mir_error *err)
{
    if (make->tender_count == IMG_TENDERS_MAX)
        return mir_fail(err, MIR_USAGE, "too many tenders");
    make->tenders[make->tender_count++] = value;
    return 0;
}

static bool take_flag(struct request *req, const char *option)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--offline", &req->make.offline},
                 {"--refresh", &req->make.refresh},
                 {"--json", &req->json}};
    for (size_t i = 0; i < MIR_NELEMS(flags); i++)
        if (!strcmp(flags[i].name, option))
            return *flags[i].flag = true;
    return false;
}

static int take_value(struct request *req, const char *option, const char *value,
                      struct mir_error *err)
{
    const struct {
        const char *name;
        const char **slot; /* NULL: a tender */
    } options[] = {{"--cache", &req->make.cache},
                   {"--packages", &req->make.packages},
                   {"--init", &req->make.init},
                   {"--tender", NULL}};
    for (size_t i = 0; i < MIR_NELEMS(options); i++) {
        if (strcmp(options[i].name, option) != 0)
            continue;
        if (!value || !*value)
            return mir_fail(err, MIR_USAGE, "%s needs a value", option);
        if (!options[i].slot)
            return take_tender(&req->make, value, err);
        *options[i].slot = value;
        return 0;
    }
    mir_fail(err, MIR_USAGE, "unknown option %s", option);
    return mir_error_hint(err, "see mirage-carrier --help");
}

static int parse(int argc, char **argv, struct request *req, struct mir_error *err)
{
    for (int i = 0; i < argc; i++)
        if (!strcmp(argv[i], "--json"))
            req->json = true; /* also for what is wrong before it */
    req->make.carrier = img_carrier_by_name(argc ? argv[0] : "");
    if (req->make.carrier == MIR_CARRIER_NONE) {
        mir_fail(err, MIR_USAGE, "no carrier is called \"%s\"", argc ? argv[0] : "");
        return mir_error_hint(err, "xen, linux or shim");
    }
    for (int i = 1; i < argc; i++) {
        if (take_flag(req, argv[i]))
            continue;
        if (take_value(req, argv[i], argv[i + 1], err))
            return -1;
        i++;
    }
    if (!req->make.offline || !req->make.refresh)
        return 0;
    mir_fail(err, MIR_USAGE, "--offline and --refresh at once");
    return mir_error_hint(err, "one of them");
}

static int make(int argc, char **argv)
{
    struct request req = {.make = {.say = say}};
    struct mir_error err = {0};
    struct img_made made;
    mir_auto_free char *cache = NULL;
    mir_auto_free char *init = NULL;
    if (parse(argc, argv, &req, &err))
        return fail(&err, req.json);
    if (!req.make.cache && !(req.make.cache = cache = img_cache_default(&err)))
        return fail(&err, req.json);
    if (!req.make.init && img_carrier_has_archive(req.make.carrier) &&
        !(req.make.init = init = mir_data_path("carrier/init", &err)))
        return fail(&err, req.json);
    if (img_make(&req.make, &made, &err))
        return fail(&err, req.json);
    show(&req, &made);
    free(made.folder);
    return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
    signal(SIGPIPE, SIG_IGN);
    if (!strcmp(command, "make"))
        return make(argc - 2, argv + 2);
    if (!strcmp(command, "--version"))
        return puts("mirage-carrier " MIR_VERSION) < 0;
    if (!strcmp(command, "--help"))
        return fputs(usage, stdout) < 0;
    fputs(usage, stderr);
    return 2;
}
