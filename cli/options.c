/* SPDX-License-Identifier: ISC */
#include "options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli_providers.h" /* generated: CMD_PROVIDER_NAMES */

#define IN(id) (1u << CMD_##id)

const char *const cmd_provider_names[] = {CMD_PROVIDER_NAMES, NULL};

static const char *const shells[] = {"bash", "zsh", "fish", "names", NULL};
static const char *const topics[] = {"environment", "exit-codes", "formatting", "kernels", NULL};
static const char *const formats[] = {"raw",  "qcow2",   "vhd",        "vhd-dynamic",
                                      "vmdk", "extents", "ec2-bundle", NULL};
static const char *const boots[] = {"bios", "uefi", "both", "pvgrub", "pvgrub-bare", NULL};
static const char *const firmwares[] = {"bios", "uefi", NULL};
static const char *const carriers[] = {"auto", "never", "always", NULL};
static const char *const buses[] = {"ide", "virtio", "nvme", "scsi", NULL};
static const char *const nics[] = {"virtio", "e1000", "e1000e", "none", NULL};
static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};
static const char *const states[] = {"pending", "preparing", "uploading", "launching",
                                     "running", "live",      "ending",    "gone",
                                     "failed",  "stuck",     NULL};

#define DEPLOYS (IN(DEPLOY) | IN(PLAN))
#define WAITS (IN(DEPLOY) | IN(EXTEND) | IN(RM))

const struct cmd_option cmd_options[OPT_COUNT] = {
    [OPT_KERNEL] = {"kernel", 0, CMD_FILE, CMD_OPT_PLACE, "KERNEL", NULL,
                    DEPLOYS | IN(INSPECT) | IN(IMAGE_BUILD), "Kernel file",
                    "the unikernel: ELF, bzImage or disk image, compressed or not"},
    [OPT_PROVIDER] = {"provider", 0, CMD_CHOICE, CMD_OPT_PLACE, "PROVIDER", cmd_provider_names,
                      IN(PLAN) | IN(DOCTOR) | IN(REAP), "Provider", "where to run it"},
    [OPT_DURATION] = {"duration", 0, CMD_DURATION, CMD_OPT_PLACE, "DURATION", NULL, IN(EXTEND),
                      "Extend by", "how much longer it may live: 30m, 2h, 1d"},
    [OPT_METHOD] = {"method", 0, CMD_CHOICE, CMD_OPT_PLACE, "METHOD", methods, IN(API), "Method",
                    "the HTTP method"},
    [OPT_PATH] = {"path", 0, CMD_TEXT, CMD_OPT_PLACE, "PATH", NULL, IN(API), "Path",
                  "the path, such as /v1/deployments"},
    [OPT_SHELL] = {"shell", 0, CMD_CHOICE, CMD_OPT_PLACE, "SHELL", shells, IN(COMPLETION), "Shell",
                   "the shell to complete for; 'names' prints the names of the deployments"},
    [OPT_TOPIC] = {"topic", 0, CMD_TEXT, CMD_OPT_PLACE | CMD_OPT_REPEAT, "TOPIC", topics, IN(HELP),
                   NULL, "a command, or environment, exit-codes, formatting, kernels"},
    [OPT_NAME] = {"name", 0, CMD_NAME, 0, "NAME", NULL, DEPLOYS | IN(SITE_ADD), "Name",
                  "name of the deployment or site (default: made from the kernel's file name)"},
    [OPT_TTL] = {"ttl", 0, CMD_DURATION, 0, "DURATION", NULL, DEPLOYS, NULL,
                 "how long it may live: 90s, 10m, 2h, 1h30m, 3d (default: 1h)"},
    [OPT_UNTIL] = {"until", 0, CMD_TIME, 0, "TIME", NULL, DEPLOYS | IN(EXTEND), NULL,
                   "when it has to be gone, such as 2026-11-20T18:30:00Z"},
    [OPT_FOREVER] = {"forever", 0, CMD_FLAG, 0, NULL, NULL, DEPLOYS, NULL,
                     "no deadline: it runs until you remove it, and nothing else ends it; needs "
                     "--reason, and allow_forever = yes in section [policy] of the daemon's "
                     "configuration"},
    [OPT_REASON] = {"reason", 0, CMD_REASON, 0, "TEXT", NULL, DEPLOYS, "Why for ever",
                    "why it may run for ever, in up to 200 bytes; shown wherever it is shown"},
    [OPT_MEMORY] = {"memory", 0, CMD_SIZE, 0, "SIZE", NULL, DEPLOYS, NULL,
                    "memory of the guest, such as 64M (default: what the kernel needs)"},
    [OPT_PUBLISH] =
        {"publish", 'p', CMD_PORT, CMD_OPT_REPEAT | CMD_OPT_HERE, "[HOST:]GUEST", NULL, DEPLOYS,
         NULL,
         "local: publish a port of the guest, as [ADDRESS:][HOST:]GUEST; on 127.0.0.1 unless "
         "an address is given, on a free port unless HOST is given"},
    [OPT_URL] = {"url", 0, CMD_URL, 0, "URL", NULL, DEPLOYS, "URL",
                 "the address that has to answer before it counts as live"},
    [OPT_LIST] = {"list", 0, CMD_SWITCH, 0, NULL, NULL, DEPLOYS, NULL,
                  "show the site on the registry page (default: yes)"},
    [OPT_FIRMWARE] = {"firmware", 0, CMD_CHOICE, CMD_OPT_HERE, "FIRMWARE", firmwares, DEPLOYS, NULL,
                      "local: what starts a disk (default: bios, or uefi where only that can)"},
    [OPT_CARRIER] = {"carrier", 0, CMD_CHOICE, 0, "WHEN", carriers, DEPLOYS, NULL,
                     "start the kernel inside of a carrier, a system that is put around it on its "
                     "disk: auto (where it starts in one and not as it is), never or always "
                     "(default: auto)"},
    [OPT_BLOCK] = {"block", 0, CMD_TEXT, CMD_OPT_REPEAT | CMD_OPT_META, "NAME=FILE", NULL, DEPLOYS,
                   NULL,
                   "give a carried kernel a block device (Xen: an xvd) with a copy of the file in "
                   "it; NAME as the kernel calls it; what it writes there is never written back"},
    [OPT_ANSWER_OWNERSHIP] =
        {"answer-ownership", 0, CMD_FLAG, 0, NULL, NULL, DEPLOYS, NULL,
         "let the carrier answer /.well-known/unikernel for a kernel that cannot; it takes the "
         "port of the site for that, and the kernel sees its visitors as 169.254.255.254"},
    [OPT_DISK_BUS] = {"disk-bus", 0, CMD_CHOICE, CMD_OPT_HERE, "BUS", buses, DEPLOYS, NULL,
                      "local: what a disk is attached to (default: ide)"},
    [OPT_NIC] = {"nic", 0, CMD_CHOICE, CMD_OPT_HERE, "CARD", nics, DEPLOYS, NULL,
                 "local: the guest's network card (default: virtio)"},
    [OPT_CLOUD] = {"cloud", 0, CMD_CLOUD, CMD_OPT_CLOUD, "CLOUD", NULL, DEPLOYS, NULL,
                   "openstack: which cloud of clouds.yaml (default: OS_CLOUD, or the only one)"},
    [OPT_REGION] = {"region", 0, CMD_REGION, CMD_OPT_CLOUD, "REGION", NULL, DEPLOYS, NULL,
                    "cloud: where it runs, such as eu-central-1 (default: the account's)"},
    [OPT_TYPE] = {"type", 0, CMD_KIND, CMD_OPT_CLOUD, "TYPE", NULL, DEPLOYS, NULL,
                  "cloud: machine type or flavor (default: the cheapest that boots the kernel)"},
    [OPT_SPOT] = {"spot", 0, CMD_FLAG, CMD_OPT_CLOUD, NULL, NULL, DEPLOYS, NULL,
                  "cloud: for less, on a machine that the cloud may take back at any time"},
    [OPT_IPV6_ONLY] = {"ipv6-only", 0, CMD_FLAG, CMD_OPT_CLOUD, NULL, NULL, DEPLOYS, NULL,
                       "cloud: without an IPv4 address, which is often paid for by itself"},
    [OPT_KEEP_ADDRESS] = {"keep-address", 0, CMD_FLAG, CMD_OPT_CLOUD, NULL, NULL, DEPLOYS, NULL,
                          "cloud: with an address that survives a restart (elastic, floating)"},
    [OPT_OPEN] = {"open", 0, CMD_OPEN, CMD_OPT_REPEAT | CMD_OPT_CLOUD, "PORT", NULL, DEPLOYS, NULL,
                  "cloud: let the world reach this TCP port (default: 80 and 443)"},
    [OPT_BUDGET] = {"budget", 0, CMD_MONEY, 0, "USD", NULL, DEPLOYS, NULL,
                    "refuse it if it may cost more until its deadline, and every extension that "
                    "would make it so: 2.50"},
    [OPT_ANYWAY] = {"anyway", 0, CMD_FLAG, 0, NULL, NULL, DEPLOYS, NULL,
                    "deploy although the kernel is said to have no network or not to boot there"},
    [OPT_DRY_RUN] = {"dry-run", 0, CMD_FLAG, 0, NULL, NULL, IN(DEPLOY), NULL,
                     "show the plan and change nothing"},
    [OPT_DETACH] = {"detach", 'd', CMD_FLAG, 0, NULL, NULL, WAITS, NULL,
                    "return as soon as the request is accepted"},
    [OPT_WAIT_TIMEOUT] = {"wait-timeout", 0, CMD_DURATION, 0, "DURATION", NULL, WAITS, NULL,
                          "stop waiting after this time (exit code 7); the work goes on"},
    [OPT_ALL] = {"all", 'a', CMD_FLAG, 0, NULL, NULL, IN(PS), NULL, "those that are over as well"},
    [OPT_FOLLOW] = {"follow", 'f', CMD_FLAG, 0, NULL, NULL, IN(LOGS), NULL,
                    "go on printing until the deployment is over"},
    [OPT_SINCE] = {"since", 0, CMD_SINCE, 0, "TIME", NULL, IN(LOGS), NULL,
                   "only output from this time on: 10m, or 2026-11-20T18:30:00Z"},
    [OPT_FOR] = {"for", 0, CMD_CHOICE, 0, "STATE", states, IN(WAIT), "State to wait for",
                 "the state to wait for; one that lies behind it counts as well"},
    [OPT_TIMEOUT] = {"timeout", 0, CMD_DURATION, 0, "DURATION", NULL, IN(WAIT), NULL,
                     "give up after this time (exit code 7)"},
    [OPT_SHOW_ORIGIN] = {"show-origin", 0, CMD_FLAG, 0, NULL, NULL, IN(CONFIG), NULL,
                         "say where each value comes from, and what it shadows"},
    [OPT_DATA] = {"data", 0, CMD_TEXT, 0, "JSON", NULL, IN(API), NULL,
                  "the request's body; - reads it from standard input"},
    [OPT_GRACE] = {"grace", 0, CMD_DURATION, 0, "DURATION", NULL, IN(REAP), NULL,
                   "leave alone what is past its deadline by less (default: 5s where all is seen "
                   "at once, 60s in a cloud)"},
    [OPT_PRINT_POLICY] = {"print-policy", 0, CMD_FLAG, CMD_OPT_META, NULL, NULL, IN(DOCTOR), NULL,
                          "print what the provider's credentials have to be allowed, as JSON for "
                          "the cloud's own tools, and check nothing"},
    [OPT_OUTPUT] = {"output", 'o', CMD_FILE, 0, "FILE", NULL, IN(IMAGE_BUILD), "Image file",
                    "where the image goes; - is standard output; a folder for an ec2-bundle"},
    [OPT_FORMAT] = {"format", 0, CMD_CHOICE, 0, "FORMAT", formats, IN(IMAGE_BUILD), NULL,
                    "what the image is written as (default: raw)"},
    [OPT_BOOT] = {"boot", 0, CMD_CHOICE, 0, "BOOT", boots, IN(IMAGE_BUILD), NULL,
                  "how it starts (default: pvgrub for a classic Xen kernel, both for any other)"},
    [OPT_ARG] = {"arg", 0, CMD_TEXT, CMD_OPT_REPEAT | CMD_OPT_META, "ARGUMENT", NULL,
                 IN(IMAGE_BUILD), NULL,
                 "an argument of the kernel; what follows -- is one as well"},
    [OPT_MODULE] = {"module", 0, CMD_FILE, CMD_OPT_REPEAT | CMD_OPT_META, "FILE", NULL,
                    IN(IMAGE_BUILD), NULL,
                    "a file to load beside the kernel: an initramfs, a module"},
    [OPT_SIZE] = {"size", 0, CMD_SIZE, CMD_OPT_META, "SIZE", NULL, IN(IMAGE_BUILD), NULL,
                  "size of the disk (default: as small as it can be)"},
    [OPT_FORCE] = {"force", 0, CMD_FLAG, CMD_OPT_META, NULL, NULL, IN(IMAGE_BUILD), NULL,
                   "replace the output if it is there; of a folder, only one that holds a bundle "
                   "and nothing else"},
    [OPT_PROVE] = {"prove", 0, CMD_FLAG, CMD_OPT_CLOUD, NULL, NULL, DEPLOYS | IN(IMAGE_BUILD), NULL,
                   "start the disk on this machine first, and keep it, or upload it to a cloud, "
                   "only if its kernel answers or speaks"},
    [OPT_PROVE_TIMEOUT] = {"prove-timeout", 0, CMD_DURATION, 0, "DURATION", NULL, IN(IMAGE_BUILD),
                           NULL, "how long each boot of --prove may take (default: 60s)"},
    [OPT_CERT] = {"cert", 0, CMD_FILE, 0, "FILE", NULL, IN(IMAGE_BUILD), NULL,
                  "ec2-bundle: your X.509 certificate, which EC2 knows"},
    [OPT_KEY] = {"key", 0, CMD_FILE, 0, "FILE", NULL, IN(IMAGE_BUILD), NULL,
                 "ec2-bundle: its private key"},
    [OPT_EC2_CERT] = {"ec2-cert", 0, CMD_FILE, 0, "FILE", NULL, IN(IMAGE_BUILD), NULL,
                      "ec2-bundle: EC2's certificate"},
    [OPT_ACCOUNT] = {"account", 0, CMD_TEXT, 0, "NUMBER", NULL, IN(IMAGE_BUILD), NULL,
                     "ec2-bundle: your AWS account, 12 digits"},
    [OPT_KERNEL_ID] = {"kernel-id", 0, CMD_TEXT, 0, "AKI", NULL, IN(IMAGE_BUILD), NULL,
                       "ec2-bundle: the PV-GRUB of the region, aki-..."},
    [OPT_YES] = {"yes", 'y', CMD_FLAG, 0, NULL, NULL, IN(DEPLOY) | IN(RM) | IN(SITE_RM), NULL,
                 "answer confirmations with yes"},
    [OPT_JSON] = {"json", 0, CMD_FLAG, 0, NULL, NULL, CMD_ALL, NULL,
                  "print the result as JSON, an error too"},
    [OPT_QUIET] = {"quiet", 'q', CMD_FLAG, 0, NULL, NULL, CMD_ALL, NULL,
                   "no progress and no hints on standard error"},
    [OPT_COLOR] = {"color", 0, CMD_SWITCH, 0, NULL, NULL, CMD_ALL, NULL,
                   "colour (default: on a terminal; NO_COLOR, CLICOLOR_FORCE, TERM=dumb count)"},
    [OPT_INPUT] = {"input", 0, CMD_SWITCH, 0, NULL, NULL, CMD_ALL, NULL,
                   "ask for what is missing (default: on a terminal, unless CI=true)"},
    [OPT_SOCKET] = {"socket", 0, CMD_FILE, 0, "FILE", NULL, CMD_ALL, NULL, "the daemon's socket"},
    [OPT_STATE] = {"state", 0, CMD_FILE, 0, "DIR", NULL, CMD_ALL, NULL,
                   "the state directory; one of its own means a daemon of its own"},
    [OPT_CONFIG] = {"config", 0, CMD_FILE, 0, "FILE", NULL, CMD_ALL, NULL,
                    "the one configuration file to read"},
    [OPT_HELP] = {"help", 'h', CMD_FLAG, CMD_OPT_META, NULL, NULL, CMD_ALL, NULL, "this help"},
    [OPT_VERSION] = {"version", 0, CMD_FLAG, CMD_OPT_META, NULL, NULL, CMD_ALL, NULL,
                     "print the version"},
};

void cmd_option_env(const struct cmd_option *option, char out[CMD_ENV_SIZE])
{
    snprintf(out, CMD_ENV_SIZE, "MIRAGE_DEPLOY_%s", option->name);
    for (char *p = out; *p; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

int cmd_option_taken(enum cmd_opt opt, enum cmd_id command)
{
    const struct cmd_option *option = &cmd_options[opt];
    return !(option->flags & CMD_OPT_PLACE) && (option->commands >> command & 1);
}
