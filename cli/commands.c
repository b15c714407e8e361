/* SPDX-License-Identifier: ISC */
/* The command table: the only list of commands. */
#include <string.h>

#include "cli_providers.h" /* generated: CMD_PROVIDER_COMMANDS(X) */
#include "cmd.h"

#define NONE OPT_NONE, OPT_NONE

/* Every built-in provider is a command of its own. */
#define DEPLOY_ROW(provider)                                                                       \
    {                                                                                              \
        provider, CMD_DEPLOY, {OPT_KERNEL, OPT_NONE}, 1, false, "KERNEL-ARGUMENTS",                \
            "deploy a kernel with the provider " provider,                                         \
            provider " kernel.elf --ttl 1h -p 8080:80 -- hello=world", cmd_deploy                  \
    }

/* A row is a row. */
/* clang-format off */
const struct cmd_command cmd_commands[] = {
    CMD_PROVIDER_COMMANDS(DEPLOY_ROW),
    {"ps", CMD_PS, {NONE}, 0, false, NULL,
     "list the deployments, newest first", "ps --all", cmd_ps},
    {"show", CMD_SHOW, {OPT_NAME, OPT_NONE}, 1, false, NULL,
     "everything known of it: kernel, hooks, receipt, audit lines", "show hello", cmd_show},
    {"logs", CMD_LOGS, {OPT_NAME, OPT_NONE}, 1, false, NULL,
     "console output, early boot included, kept after the end", "logs -f hello", cmd_logs},
    {"wait", CMD_WAIT, {OPT_NAME, OPT_NONE}, 1, false, NULL,
     "wait until a deployment is in a state", "wait hello --for live --timeout 30s", cmd_wait},
    {"extend", CMD_EXTEND, {OPT_NAME, OPT_DURATION}, 1, false, NULL,
     "move a deadline, by a duration or --until a time", "extend hello 30m", cmd_extend},
    {"rm", CMD_RM, {OPT_NAME, OPT_NONE}, 1, true, NULL,
     "end deployments now, and wait until they are verified gone", "rm hello", cmd_rm},
    {"plan", CMD_PLAN, {OPT_PROVIDER, OPT_KERNEL}, 2, false, "KERNEL-ARGUMENTS",
     "what a deploy would do: steps, memory, cost, hooks", "plan local kernel.elf", cmd_plan},
    {"inspect", CMD_INSPECT, {OPT_KERNEL, OPT_NONE}, 1, false, NULL,
     "what a kernel file is, what it needs, and where it boots", "inspect kernel.xen", cmd_inspect},
    {"image build", CMD_IMAGE_BUILD, {OPT_KERNEL, OPT_NONE}, 1, false, "KERNEL-ARGUMENTS",
     "make a bootable disk image of a kernel",
     "image build kernel.elf -o kernel.qcow2 --format qcow2", cmd_image_build},
    {"orphans", CMD_REAP, {OPT_PROVIDER, OPT_NONE}, 1, false, NULL,
     "what is past its deadline, from the tags alone: no daemon, no database", "orphans local",
     cmd_orphans},
    {"reap", CMD_REAP, {OPT_PROVIDER, OPT_NONE}, 1, false, NULL,
     "end what is past its deadline, and wait until it is verified gone", "reap local", cmd_reap},
    {"doctor", CMD_DOCTOR, {OPT_PROVIDER, OPT_NONE}, 0, false, NULL,
     "check this machine, the daemon and the providers", "doctor ec2 --print-policy", cmd_doctor},
    {"sites", CMD_SITES, {NONE}, 0, false, NULL,
     "list the public registry", NULL, cmd_sites},
    {"site add", CMD_SITE_ADD, {OPT_URL, OPT_NONE}, 1, false, NULL,
     "list a site that runs elsewhere",
     "site add https://example.org/ --name example", cmd_site_add},
    {"site verify", CMD_SITE_VERIFY, {OPT_NAME, OPT_NONE}, 1, false, NULL,
     "probe a site and check who owns it", NULL, cmd_site_verify},
    {"site rm", CMD_SITE_RM, {OPT_NAME, OPT_NONE}, 1, false, NULL,
     "take a site off the registry", NULL, cmd_site_rm},
    {"badge", CMD_BADGE, {OPT_NAME, OPT_NONE}, 1, false, NULL,
     "the Markdown and HTML of a site's badge, to paste", "badge hello", cmd_badge},
    {"providers", CMD_PROVIDERS, {NONE}, 0, false, NULL,
     "list the providers of this build", NULL, cmd_providers},
    {"daemon start", CMD_DAEMON, {NONE}, 0, false, NULL,
     "start the daemon in the background", NULL, cmd_daemon_start},
    {"daemon stop", CMD_DAEMON, {NONE}, 0, false, NULL,
     "stop the daemon; what runs goes on until its deadline", NULL, cmd_daemon_stop},
    {"daemon status", CMD_DAEMON, {NONE}, 0, false, NULL,
     "is the daemon there, and is it well", NULL, cmd_daemon_status},
    {"daemon run", CMD_DAEMON, {NONE}, 0, false, "ARGUMENTS-OF-MIRAGE-DEPLOYD",
     "be the daemon, in the foreground", NULL, cmd_daemon_run},
    {"config list", CMD_CONFIG, {NONE}, 0, false, NULL,
     "list the settings in effect", "config list --show-origin", cmd_config_list},
    {"completion", CMD_COMPLETION, {OPT_SHELL, OPT_NONE}, 1, false, NULL,
     "print the completion script of a shell", "completion bash", cmd_completion},
    {"api", CMD_API, {OPT_METHOD, OPT_PATH}, 2, false, NULL,
     "send a request to the daemon and print the answer as it is", "api GET /v1/version", cmd_api},
    {"help", CMD_HELP, {OPT_TOPIC, OPT_NONE}, 0, true, NULL,
     "help on a command or a topic", "help environment", cmd_help},
    {"version", CMD_VERSION, {NONE}, 0, false, NULL,
     "the version of this program, and of the daemon when it runs", NULL, cmd_version},
};
/* clang-format on */

const size_t cmd_command_count = MIR_NELEMS(cmd_commands);

const struct cmd_command *cmd_command_find(const char *name)
{
    for (size_t i = 0; i < cmd_command_count; i++)
        if (!strcmp(cmd_commands[i].name, name))
            return &cmd_commands[i];
    return NULL;
}
