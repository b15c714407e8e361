/* SPDX-License-Identifier: ISC */
/*
 * The option table: every input of every command, once. Parsing, environment variables,
 * configuration keys, questions, `--help`, completion and the OPTIONS part of the manual page all
 * come from it.
 *
 * Const data; any thread.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/* Commands that differ in which options they take; a bit each in cmd_option.commands. */
enum cmd_id {
    CMD_DEPLOY,
    CMD_PLAN,
    CMD_PS,
    CMD_SHOW,
    CMD_LOGS,
    CMD_WAIT,
    CMD_EXTEND,
    CMD_RM,
    CMD_INSPECT,
    CMD_IMAGE_BUILD,
    CMD_DOCTOR,
    CMD_REAP,
    CMD_SITES,
    CMD_SITE_ADD,
    CMD_SITE_VERIFY,
    CMD_SITE_RM,
    CMD_BADGE,
    CMD_PROVIDERS,
    CMD_DAEMON,
    CMD_CONFIG,
    CMD_COMPLETION,
    CMD_API,
    CMD_HELP,
    CMD_VERSION,
    CMD_ID_COUNT
};

enum cmd_opt {
    /* given by place */
    OPT_KERNEL,
    OPT_PROVIDER,
    OPT_DURATION,
    OPT_METHOD,
    OPT_PATH,
    OPT_SHELL,
    OPT_TOPIC,
    /* of a deployment; `name` and `url` are given by place in some commands */
    OPT_NAME,
    OPT_TTL,
    OPT_UNTIL,
    OPT_FOREVER,
    OPT_REASON,
    OPT_MEMORY,
    OPT_PUBLISH,
    OPT_URL,
    OPT_LIST,
    OPT_FIRMWARE,
    OPT_CARRIER,
    OPT_BLOCK,
    OPT_ANSWER_OWNERSHIP,
    OPT_DISK_BUS,
    OPT_NIC,
    OPT_CLOUD,
    OPT_REGION,
    OPT_TYPE,
    OPT_SPOT,
    OPT_IPV6_ONLY,
    OPT_KEEP_ADDRESS,
    OPT_OPEN,
    OPT_BUDGET,
    OPT_ANYWAY,
    OPT_DRY_RUN,
    OPT_DETACH,
    OPT_WAIT_TIMEOUT,
    /* of other commands */
    OPT_ALL,
    OPT_FOLLOW,
    OPT_SINCE,
    OPT_FOR,
    OPT_TIMEOUT,
    OPT_SHOW_ORIGIN,
    OPT_DATA,
    OPT_GRACE,
    OPT_PRINT_POLICY,
    /* of image build */
    OPT_OUTPUT,
    OPT_FORMAT,
    OPT_BOOT,
    OPT_ARG,
    OPT_MODULE,
    OPT_SIZE,
    OPT_FORCE,
    OPT_PROVE,
    OPT_PROVE_TIMEOUT,
    OPT_CERT,
    OPT_KEY,
    OPT_EC2_CERT,
    OPT_ACCOUNT,
    OPT_KERNEL_ID,
    /* of all commands */
    OPT_YES,
    OPT_JSON,
    OPT_QUIET,
    OPT_COLOR,
    OPT_INPUT,
    OPT_SOCKET,
    OPT_STATE,
    OPT_CONFIG,
    OPT_HELP,
    OPT_VERSION,
    OPT_COUNT,
    OPT_NONE = OPT_COUNT
};

enum cmd_type {
    CMD_FLAG,   /* --x */
    CMD_SWITCH, /* --x and --no-x */
    CMD_TEXT,
    CMD_FILE,
    CMD_NAME, /* of a deployment or site */
    CMD_URL,
    CMD_DURATION,
    CMD_TIME,
    CMD_SINCE, /* duration or time */
    CMD_SIZE,
    CMD_REASON, /* one line, why something may run for ever */
    CMD_PORT,   /* [ADDRESS:][HOST:]GUEST */
    CMD_OPEN,   /* a port's number */
    CMD_CLOUD,  /* the name of one */
    CMD_REGION, /* of a cloud */
    CMD_KIND,   /* machine type or flavor */
    CMD_MONEY,  /* in US dollars */
    CMD_CHOICE
};

enum {
    CMD_OPT_REPEAT = 1 << 0, /* may be given several times */
    CMD_OPT_PLACE = 1 << 1,  /* only ever given by place: has no --flag */
    CMD_OPT_META = 1 << 2,   /* neither environment variable nor configuration key */
    /* For some providers only: what waits for the others in the environment or in a file is left
     * alone there, what was typed is refused by them. */
    CMD_OPT_HERE = 1 << 3, /* local */
    CMD_OPT_CLOUD = 1 << 4 /* all others */
};

struct cmd_option {
    const char
        *name;   /* "wait-timeout": --wait-timeout, MIRAGE_DEPLOY_WAIT_TIMEOUT, wait-timeout = */
    char letter; /* 0: none */
    enum cmd_type type;
    unsigned flags;
    const char *arg;            /* for help: "DURATION"; NULL for flags and switches */
    const char *const *choices; /* NULL-terminated, CMD_CHOICE only */
    uint32_t commands;          /* 1u << cmd_id; CMD_ALL */
    const char *prompt;         /* the question when it is missing and needed; NULL: never needed */
    const char *help;           /* one line, no full stop */
};

#define CMD_ALL UINT32_MAX

extern const struct cmd_option cmd_options[OPT_COUNT];

#define CMD_ENV_SIZE 64
/* "MIRAGE_DEPLOY_WAIT_TIMEOUT" */
void cmd_option_env(const struct cmd_option *option, char out[CMD_ENV_SIZE]);

/* Does the command take it as --flag? (By place is the command's own affair.) */
int cmd_option_taken(enum cmd_opt opt, enum cmd_id command);

/* Built-in providers, NULL-terminated; from the build's provider list. */
extern const char *const cmd_provider_names[];

#endif
