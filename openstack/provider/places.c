/* SPDX-License-Identifier: ISC */
/* Where a token's things are: remembered, and written down, a file for each token with the names of
 * cloud and region, and what else the next daemon has to know: the id of its server once it has
 * one, and that Mistral has something of it. It saves questions, and it is how a daemon that was
 * started again knows which clouds are in use, and which server is its own whatever has become of
 * its marks. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"
#include "stack.h"

#define PLACE_FILE_MAX 512
#define OLD_S 3600 /* after which nothing under way is mistaken for what is over */
#define HAS_TRIGGER "trigger"
#define HAS_SERVER "server "

static bool is_token(const char *name)
{
    return strlen(name) == MIR_ID_TEXT - 1 && strspn(name, "0123456789abcdef") == MIR_ID_TEXT - 1;
}

/* With the lock held. */
static struct stack_seen *seen_of(const struct stack *stack, const char *token)
{
    for (size_t i = 0; i < stack->seen_count; i++)
        if (!strcmp(stack->seen[i].token, token))
            return &stack->seen[i];
    return NULL;
}

static void keep(struct stack *stack, const char *token, const char *cloud, const char *region)
{
    pthread_mutex_lock(&stack->lock);
    struct stack_seen *seen = seen_of(stack, token);
    if (!seen) {
        stack->seen = mir_realloc(stack->seen, stack->seen_count + 1, sizeof *stack->seen);
        seen = &stack->seen[stack->seen_count++];
        *seen = (struct stack_seen){.cloud = ""};
        mir_copy(seen->token, sizeof seen->token, token);
    }
    mir_copy(seen->cloud, sizeof seen->cloud, cloud);
    mir_copy(seen->region, sizeof seen->region, region);
    pthread_mutex_unlock(&stack->lock);
}

void stack_remember(struct stack *stack, const char *token, const struct stack_site *site)
{
    keep(stack, token, site->cloud, site->region);
}

void stack_remember_trigger(struct stack *stack, const char *token, enum stack_trigger trigger)
{
    pthread_mutex_lock(&stack->lock);
    struct stack_seen *seen = seen_of(stack, token);
    if (seen)
        seen->trigger = trigger;
    pthread_mutex_unlock(&stack->lock);
}

bool stack_recall(struct stack *stack, const char *token, struct stack_seen *ret)
{
    pthread_mutex_lock(&stack->lock);
    const struct stack_seen *seen = seen_of(stack, token);
    if (seen)
        *ret = *seen;
    pthread_mutex_unlock(&stack->lock);
    return seen != NULL;
}

/* --- the files --- */

static int write_place(const struct stack *stack, const struct stack_seen *seen,
                       struct mir_error *err)
{
    mir_auto_free char *text =
        mir_format("%s\n%s\n%s%s%s%s", seen->cloud, seen->region, *seen->server ? HAS_SERVER : "",
                   seen->server, *seen->server ? "\n" : "",
                   seen->trigger == STACK_TRIGGER_UNKNOWN ? "" : HAS_TRIGGER "\n");
    if (mir_dir_make(stack->folder, 0700, err))
        return -1;
    mir_auto_close int dir_fd = open(stack->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return mir_fail(err, MIR_FAILED, "cannot open %s", stack->folder);
    return mir_file_write_at(dir_fd, seen->token, text, strlen(text), 0600, err);
}

/* Does the file say where it is? What was recalled from a listing is written nowhere. */
static bool stands(const struct stack *stack, const struct stack_seen *seen,
                   const struct stack_site *site)
{
    mir_auto_free char *path = mir_format("%s/%s", stack->folder, seen->token);
    return !strcmp(seen->cloud, site->cloud) && !strcmp(seen->region, site->region) &&
           !access(path, R_OK);
}

/* Written as it is known, and with `trigger` if that is not STACK_TRIGGER_UNKNOWN. */
static int intend(struct stack *stack, const char *token, const struct stack_site *site,
                  enum stack_trigger trigger, struct mir_error *err)
{
    struct stack_seen seen = {.server = ""};
    bool known = stack_recall(stack, token, &seen);
    bool told = trigger == STACK_TRIGGER_UNKNOWN || seen.trigger == trigger;
    if (known && told && stands(stack, &seen, site))
        return 0;
    if (!told)
        seen.trigger = trigger;
    mir_copy(seen.token, sizeof seen.token, token);
    mir_copy(seen.cloud, sizeof seen.cloud, site->cloud);
    mir_copy(seen.region, sizeof seen.region, site->region);
    if (write_place(stack, &seen, err))
        return -1;
    stack_remember(stack, token, site);
    stack_remember_trigger(stack, token, seen.trigger);
    return 0;
}

int stack_intend(struct stack *stack, const char *token, const struct stack_site *site,
                 struct mir_error *err)
{
    return intend(stack, token, site, STACK_TRIGGER_UNKNOWN, err);
}

int stack_intend_trigger(struct stack *stack, const char *token, const struct stack_site *site,
                         struct mir_error *err)
{
    return intend(stack, token, site, STACK_TRIGGER_MADE, err);
}

/* That it could not be written down costs only what is said of it above. */
void stack_remember_server(struct stack *stack, const char *token, const char *server)
{
    struct mir_error said = {0};
    struct stack_seen copy = {.server = ""};
    pthread_mutex_lock(&stack->lock);
    struct stack_seen *seen = seen_of(stack, token);
    if (seen) {
        mir_copy(seen->server, sizeof seen->server, server);
        copy = *seen;
    }
    pthread_mutex_unlock(&stack->lock);
    if (*copy.server && write_place(stack, &copy, &said))
        mir_log(MIR_LOG_WARN, "openstack", "%s", said.text);
}

/* A line after the place; what a later version may write there is nothing to this one. */
static void load_line(struct stack *stack, const char *token, const char *line)
{
    const size_t len = strlen(HAS_SERVER);
    if (!strcmp(line, HAS_TRIGGER))
        stack_remember_trigger(stack, token, STACK_TRIGGER_MADE);
    if (strncmp(line, HAS_SERVER, len) != 0)
        return;
    pthread_mutex_lock(&stack->lock);
    mir_copy(seen_of(stack, token)->server, OS_ID_TEXT, line + len);
    pthread_mutex_unlock(&stack->lock);
}

static void load_one(struct stack *stack, const char *token)
{
    mir_auto_free char *path = mir_format("%s/%s", stack->folder, token), *text = NULL;
    struct mir_error said = {0};
    char *cloud, *region, *rest, *end;
    if (mir_file_read(path, PLACE_FILE_MAX, &text, NULL, &said)) {
        mir_log(MIR_LOG_WARN, "openstack", "%s: %s", path, said.text);
        return;
    }
    cloud = text;
    region = strchr(text, '\n');
    rest = region ? strchr(region + 1, '\n') : NULL;
    if (!rest) {
        mir_log(MIR_LOG_WARN, "openstack", "%s says no place", path);
        return;
    }
    *region++ = *rest++ = '\0';
    if (strlen(cloud) >= MIR_PLACE_TEXT || strlen(region) >= MIR_PLACE_TEXT)
        return;
    keep(stack, token, cloud, region);
    for (; (end = strchr(rest, '\n')); rest = end + 1) {
        *end = '\0';
        load_line(stack, token, rest);
    }
}

void stack_places_load(struct stack *stack)
{
    DIR *dir = opendir(stack->folder);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (is_token(entry->d_name))
            load_one(stack, entry->d_name);
    if (dir)
        closedir(dir);
}

bool stack_is_old(const struct stack *stack, const char *token)
{
    mir_auto_free char *path = mir_format("%s/%s", stack->folder, token);
    struct stat st;
    return !stat(path, &st) && mir_now_s(stack->clock) - st.st_mtime >= OLD_S;
}

void stack_forget(struct stack *stack, const char *token)
{
    mir_auto_free char *path = mir_format("%s/%s", stack->folder, token);
    if (unlink(path))
        return;
    pthread_mutex_lock(&stack->lock);
    struct stack_seen *seen = seen_of(stack, token);
    if (seen)
        *seen = stack->seen[--stack->seen_count];
    pthread_mutex_unlock(&stack->lock);
}
