# SPDX-License-Identifier: ISC
"""What a visitor sees, in a real browser: page and badge of a site, live and then gone."""
import os
import shutil
import subprocess
import sys

from mirage import PATIENCE, Tap, World, need_programs, program, skip_all, wait_for

CHROMIUM = shutil.which('chromium')
# A page of somebody else: it shows the badge, and its title says how wide the image is.
README = '''<!doctype html><title>loading</title>
<img src="{badge}" onload="document.title = 'badge ' + this.naturalWidth"
 onerror="document.title = 'broken'">'''


def see(world, url):
    """The document as it stands after the page's scripts have run."""
    done = subprocess.run(
        [CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
         '--no-first-run', f'--user-data-dir={world.dir}/chromium', '--virtual-time-budget=2000',
         '--timeout=20000', '--dump-dom', url],
        capture_output=True, text=True, errors='replace', timeout=60 * PATIENCE, check=False,
        env={**os.environ, 'HOME': world.dir})
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def badge_is_an_image(world, url):
    path = os.path.join(world.dir, 'readme.html')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(README.format(badge=url))
    title = see(world, 'file://' + path).split('<title>')[1].split('</title>')[0]
    assert title.startswith('badge '), title
    assert int(title.split()[1]) > 20, title


def sees(world, d, word):
    """Page of the site, and the badge's own text, say the word."""
    return word in see(world, d['site_url']).lower() and word in see(world, d['badge_url']).lower()


def main():
    need_programs('mirage-deploy', 'mirage-deployd', 'mirage-keeper', 'mirage-image', 'hello.elf')
    if not CHROMIUM:
        skip_all('chromium is not installed')
    tap = Tap()
    with World() as world:
        world.start_daemon()
        world.cli('local', program('hello.elf'), '--ttl', '10m', '--name', 'hello')
        d = world.show('hello')
        with tap.part('live: page and badge say so'):
            wait_for('live in the browser', 20 * PATIENCE, lambda: sees(world, d, 'live'), every=1)
        with tap.part('the list of all sites has it'):
            front = see(world, f'http://{world.public}/')
            assert 'hello' in front and 'live' in front.lower(), front[:2000]
        with tap.part('the badge is an image on the page of somebody else'):
            badge_is_an_image(world, d['badge_url'])
        with tap.part('hello itself is a page'):
            assert 'hello' in see(world, d['url']).lower()
        world.cli('rm', 'hello')
        with tap.part('gone: page and badge say so'):
            wait_for('gone in the browser', 20 * PATIENCE, lambda: sees(world, d, 'gone'), every=1)
            badge_is_an_image(world, d['badge_url'])
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
