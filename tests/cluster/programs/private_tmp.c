/* A plugin for Slurm 22.05's steps: each job's tasks see a /tmp of their own, as at sites that have such a plugin; slurmd does not. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

typedef void *spank_t;
extern int spank_get_item(spank_t spank, int item, ...);
enum { JOB_ID = 2 }; /* S_JOB_ID of slurm/spank.h */

const char plugin_name[] = "private_tmp";
const char plugin_type[] = "spank";
const unsigned int plugin_version = 22 << 16 | 5 << 8 | 8;
const unsigned int spank_plugin_version = 1;

int slurm_spank_task_init_privileged(spank_t spank, int count, char **words)
{
    char place[64];
    unsigned int job = 0;

    if (spank_get_item(spank, JOB_ID, &job))
        return -1;
    snprintf(place, sizeof place, "/run/private-tmp-%u", job);
    mkdir(place, 01777);
    chmod(place, 01777);
    if (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return -1;
    return mount(place, "/tmp", NULL, MS_BIND, NULL);
}
