/* SPDX-License-Identifier: ISC */
/* mirage-reap PROVIDER: see reap.h. What `mirage-deploy orphans` and `reap` run, and a timer. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/paths.h"
#include "api/scarce.h"
#include "api/suggest.h"
#include "daemon/lease.h"
#include "daemon/pass.h"
#include "daemon/provider_list.h"
#include "reap.h"
#include "reap_word.h"

#define PROVIDERS_MAX 8

static const char usage[] =
    "usage: mirage-reap PROVIDER [--list] [--json] [--quiet] [--grace DURATION]\n"
    "                            [--every DURATION]\n"
    "       mirage-reap PROVIDER --print-policy\n\n"
    "Ends what is past its deadline, by the tags on it alone: needs the provider's credentials\n"
    "and the identity file of the state directory, but no daemon and no database.\n\n"
    "  --list             show it, and end nothing\n"
    "  --json             print the result as JSON\n"
    "  --quiet            no summary on standard error\n"
    "  --grace DURATION   leave alone what is past its deadline by less\n"
    "                     (default: 5s where all is seen at once, 60s in a cloud)\n"
    "  --every DURATION   a timer runs it this often (1m to 1d): leave word of that, signed, in\n"
    "                     the account and in the state directory, so that the daemon counts it\n"
    "                     as the hook 'reaper' until it does not come any more\n"
    "  --print-policy     print what the provider's credentials have to be allowed, as JSON,\n"
    "                     and do nothing else\n"
    "  --version, --help\n\n"
    "Ends with 9 when something could not be ended, and names it.\n";

struct choices {
    const struct mir_provider *provider;
    int64_t grace_s; /* -1: not given */
    int64_t every_s; /* 0: by hand */
    bool list_only, json, quiet, print_policy;
};

static int find_provider(const char *name, const struct mir_provider **ret, struct mir_error *err)
{
    const char *names[PROVIDERS_MAX];
    size_t count = 0;
    for (; count < mird_provider_list_count && count < PROVIDERS_MAX; count++) {
        names[count] = mird_provider_list[count]->name;
        if (strcmp(name, names[count]) != 0)
            continue;
        *ret = mird_provider_list[count];
        return 0;
    }
    const char *near = mir_suggest(name, names, count);
    mir_fail(err, MIR_USAGE, "there is no provider '%.64s'", name);
    return mir_error_hint(err, "%s%s",
                          near ? "did you mean " : "built in: ", near ? near : names[0]);
}

static int read_grace(const char *text, int64_t *ret_s, struct mir_error *err)
{
    if (!text)
        return mir_fail(err, MIR_USAGE, "--grace needs a duration");
    if (!strcmp(text, "0") || !strcmp(text, "0s")) {
        *ret_s = 0;
        return 0;
    }
    return mir_duration_parse(text, ret_s, err) ? mir_error_wrap(err, "--grace") : 0;
}

static int read_every(const char *text, int64_t *ret_s, struct mir_error *err)
{
    int64_t every_s;
    if (!text)
        return mir_fail(err, MIR_USAGE, "--every needs a duration");
    if (mir_duration_parse(text, &every_s, err))
        return mir_error_wrap(err, "--every");
    if (every_s < MIRD_PASS_EVERY_MIN_S || every_s > MIRD_PASS_EVERY_MAX_S)
        return mir_fail(err, MIR_USAGE, "--every %.20s: from 1m to 1d", text);
    *ret_s = every_s;
    return 0;
}

static int read_value(const char *option, const char *value, struct choices *ret,
                      struct mir_error *err)
{
    return !strcmp(option, "--grace") ? read_grace(value, &ret->grace_s, err)
                                      : read_every(value, &ret->every_s, err);
}

static int check_choices(const struct choices *choices, struct mir_error *err)
{
    const struct mir_provider *provider = choices->provider;
    if (!provider) {
        mir_fail(err, MIR_USAGE, "no provider given");
        return mir_error_hint(err, "mirage-reap --help lists the options");
    }
    if (!choices->every_s || (!choices->list_only && provider->note_get))
        return 0;
    mir_fail(err, MIR_USAGE, "--every does not go with %s",
             choices->list_only ? "--list" : provider->name);
    return mir_error_hint(err, "it is for a timer that ends what is overdue in a cloud");
}

static int read_arguments(int argc, char **argv, struct choices *ret, struct mir_error *err)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--list"))
            ret->list_only = true;
        else if (!strcmp(argv[i], "--json"))
            ret->json = true;
        else if (!strcmp(argv[i], "--quiet"))
            ret->quiet = true;
        else if (!strcmp(argv[i], "--print-policy"))
            ret->print_policy = true;
        else if (!strcmp(argv[i], "--grace") || !strcmp(argv[i], "--every")) {
            const char *option = argv[i], *value = i + 1 < argc ? argv[++i] : NULL;
            if (read_value(option, value, ret, err))
                return -1;
        } else if (*argv[i] == '-' || ret->provider) {
            mir_fail(err, MIR_USAGE, "unknown argument '%.64s'", argv[i]);
            return mir_error_hint(err, "mirage-reap --help lists the options");
        } else if (find_provider(argv[i], &ret->provider, err)) {
            return -1;
        }
    }
    return check_choices(ret, err);
}

/* What a daemon would keep: what there was, and which questions found it gone. */
static void print_receipt(const json_t *receipt)
{
    size_t i;
    json_t *row;
    if (!json_is_object(receipt))
        return;
    printf("  existed:");
    json_array_foreach(json_object_get(receipt, "objects"), i, row)
        printf("%s %s %s", i ? "," : "", json_string_value(json_object_get(row, "kind")),
               json_string_value(json_object_get(row, "id")));
    printf("\n  delete: sent %s, accepted %s\n",
           json_string_value(json_object_get(receipt, "delete_sent_at")),
           json_string_value(json_object_get(receipt, "delete_accepted_at")));
    json_array_foreach(json_object_get(receipt, "evidence"), i, row)
        printf("  asked: %s at %s: %s\n", json_string_value(json_object_get(row, "call")),
               json_string_value(json_object_get(row, "asked_at")),
               json_string_value(json_object_get(row, "answer")));
}

static void print_table(const json_t *document, const struct choices *choices)
{
    bool list_only = choices->list_only;
    size_t i;
    json_t *row;
    const json_t *orphans = json_object_get(document, "orphans");
    if (json_array_size(orphans))
        printf("%-20s %-9s %-21s %-12s %s\n", "NAME", "STATE", "EXPIRED", "OVERDUE",
               list_only ? "ID" : "OUTCOME");
    json_array_foreach(orphans, i, row)
    {
        char overdue[MIR_TIME_SIZE];
        const char *name = json_string_value(json_object_get(row, "name"));
        const char *id = json_string_value(json_object_get(row, "id"));
        const char *error = json_string_value(json_object_get(row, "error"));
        mir_duration_format(json_integer_value(json_object_get(row, "overdue_s")), overdue);
        printf("%-20s %-9s %-21s %-12s %s%s%s\n", mir_name_valid(name) ? name : "?",
               json_string_value(json_object_get(row, "state")),
               json_string_value(json_object_get(row, "expires_at")), overdue,
               list_only ? id : json_string_value(json_object_get(row, "outcome")),
               error ? ": " : "", error ? error : "");
        print_receipt(json_object_get(row, "receipt"));
    }
    fflush(stdout);
    if (choices->quiet)
        return;
    fprintf(stderr,
            "%zu past the deadline; left alone: %" JSON_INTEGER_FORMAT
            " within the lease, %" JSON_INTEGER_FORMAT " of others\n",
            json_array_size(orphans), json_integer_value(json_object_get(document, "kept")),
            json_integer_value(json_object_get(document, "foreign")));
    json_int_t forged = json_integer_value(json_object_get(document, "wrong_signature"));
    if (forged)
        fprintf(stderr,
                "%" JSON_INTEGER_FORMAT " of these have tags of this installation with a wrong "
                "signature: never touched; end them with the provider's own tools\n",
                forged);
}

static int complain(const struct mir_error *err, json_t *document, bool json)
{
    const struct mir_kind_info *info = mir_kind_info(err->kind);
    fprintf(stderr, "mirage-reap: %s\n", err->text);
    if (*err->hint)
        fprintf(stderr, "  %s\n", err->hint);
    if (!json)
        return info->exit_code;
    json_t *error = json_pack("{s:s,s:i}", "code", info->name, "exit_code", info->exit_code);
    json_t *detail = json_string(err->text), *hint = *err->hint ? json_string(err->hint) : NULL;
    if (detail)
        json_object_set_new(error, "detail", detail);
    if (hint)
        json_object_set_new(error, "hint", hint);
    json_object_set_new(document, "error", error);
    return info->exit_code;
}

static int reap(const struct choices *choices, json_t **ret, struct mir_error *err)
{
    struct mird_identity identity;
    struct mir_config *config = NULL;
    struct mird_reap run = {.clock = mir_clock_system(),
                            .identity = &identity,
                            .grace_s = choices->grace_s,
                            .list_only = choices->list_only};
    mir_auto_free char *state_dir = mir_path_state(err);
    if (!state_dir)
        return -1;
    if (mird_identity_read(state_dir, &identity, err)) {
        mir_error_wrap(err, "without the identity of an installation nothing can be recognised");
        return mir_error_hint(err, "give its state directory: MIRAGE_DEPLOY_STATE; the file "
                                   "'identity' in it is all that is needed");
    }
    int rc = mir_config_load(&config, err);
    const struct mir_provider_env env = {.config = config,
                                         .state_dir = state_dir,
                                         .installation = identity.installation,
                                         .tag_key = identity.tag_key,
                                         .clock = run.clock};
    if (!rc)
        rc = mir_prov_open(choices->provider, &env, &run.prov, err);
    if (run.grace_s < 0)
        run.grace_s = mird_reap_grace_s(choices->provider->settle_s);
    if (!rc)
        rc = mird_reap_run(&run, ret, err);
    if (!rc && !run.list_only && choices->provider->note_get && mir_prov_configured(run.prov))
        rc = mird_reap_leave_word(&run, state_dir, choices->every_s, *ret, err);
    mir_prov_close(run.prov);
    mir_config_free(config);
    explicit_bzero(&identity, sizeof identity);
    return rc;
}

/* Needs neither credentials nor an identity: it is asked for before there are any. What people and
 * programs are given is the same. */
static int find_policy(struct choices *choices, json_t **ret, struct mir_error *err)
{
    const struct mir_provider *provider = choices->provider;
    if (!provider->policy) {
        mir_fail(err, MIR_USAGE, "the provider %s needs no permissions", provider->name);
        return mir_error_hint(err, "--print-policy is for clouds");
    }
    struct mir_config *config = NULL;
    if (mir_config_load(&config, err))
        return -1;
    choices->json = false;
    *ret = provider->policy(config);
    mir_config_free(config);
    return 0;
}

static void print_for_people(const json_t *document, const struct choices *choices)
{
    if (!choices->print_policy) {
        print_table(document, choices);
        return;
    }
    json_dumpf(document, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
    putchar('\n');
}

int main(int argc, char **argv)
{
    struct choices choices = {.grace_s = -1};
    struct mir_error err = {0};
    json_t *document = NULL;
    mir_scarce_memory_ends();
    mir_scarce_crypto_ends();
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && !strcmp(argv[1], "--version"))
        return puts("mirage-reap " MIR_VERSION) < 0;
    if (argc == 2 && !strcmp(argv[1], "--help"))
        return fputs(usage, stdout) < 0;
    int rc = read_arguments(argc, argv, &choices, &err);
    if (!rc)
        rc = choices.print_policy ? find_policy(&choices, &document, &err)
                                  : reap(&choices, &document, &err);
    if (document && !choices.json)
        print_for_people(document, &choices);
    if (!document)
        document = json_object();
    int status = rc ? complain(&err, document, choices.json) : 0;
    if (choices.json) {
        json_dumpf(document, stdout, JSON_COMPACT);
        putchar('\n');
    }
    json_decref(document);
    if (fflush(stdout) && !status)
        status = mir_kind_info(MIR_FAILED)->exit_code;
    return status;
}
