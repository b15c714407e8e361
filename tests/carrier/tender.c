/* SPDX-License-Identifier: ISC */
/*
 * Stands where solo5-spt stands in an image, for first_process.py: says how it was called, then
 * does what its last argument, the guest's, says. Static, as there is nothing else in that image.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORPHANS 20

static int leave(const char *number)
{
    return (int)strtol(number, NULL, 10);
}

static int crash(const char *nothing)
{
    (void)nothing;
    abort();
}

static int hang(const char *nothing)
{
    (void)nothing;
    while (pause() != 0)
        ;
    return 1;
}

static int babble(const char *nothing)
{
    (void)nothing;
    while (puts("on and on") >= 0)
        ;
    return 1;
}

static int say(const char *text)
{
    for (; *text != '\0'; text++)
        putchar(*text == '~' ? 0x1b : *text == '|' ? '\n' : *text);
    return 0;
}

static int kill_one(const char *number)
{
    pid_t pid = number[0] == 'p' ? getppid() : leave(number);

    printf("killing %s: %d\n", number, kill(pid, SIGKILL));
    (void)fflush(stdout);
    return hang(number);
}

/* Children whose parent is gone: the first process's to bury. */
static int orphans(const char *nothing)
{
    int left = 0;
    pid_t pids[ORPHANS];

    (void)nothing;
    for (int i = 0; i < ORPHANS; i++) {
        int ends[2];
        pid_t parent;

        if (pipe(ends) != 0)
            return 1;
        parent = fork();
        if (parent == 0) {
            pid_t child = fork();

            if (child != 0)
                _exit(write(ends[1], &child, sizeof(child)) != sizeof(child));
            _exit(0);
        }
        if (waitpid(parent, NULL, 0) != parent ||
            read(ends[0], &pids[i], sizeof(pids[i])) != sizeof(pids[i]))
            return 1;
    }
    for (int tries = 0; tries < 200; tries++) {
        left = 0;
        for (int i = 0; i < ORPHANS; i++)
            left += kill(pids[i], 0) == 0;
        if (left == 0)
            break;
        usleep(20000);
    }
    printf("%d of %d are still there\n", left, ORPHANS);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *word;
        int (*run)(const char *argument);
    } words[] = {{"exit ", leave}, {"crash", crash},    {"hang", hang},      {"babble", babble},
                 {"say ", say},    {"kill ", kill_one}, {"orphans", orphans}};
    const char *what = argv[argc - 1];

    for (int i = 0; i < argc; i++)
        printf("[%s]", argv[i]);
    printf("\n");
    (void)fflush(stdout);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncmp(what, words[i].word, strlen(words[i].word)) == 0)
            return words[i].run(what + strlen(words[i].word));
    }
    return 99;
}
