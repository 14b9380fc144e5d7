/** A file system of a given size, filled to its last byte and freed again: what a full disk is, without filling the machine's. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  path: string;
  /** Takes every byte that is left; may be called again for what came free since. */
  fill(): void;
  free(): void;
  /** Bytes that are left. */
  left(): number;
  unmount(): void;
}

/** Why there can be none here, or false. */
export function skipSmallDisk(): false | string {
  try {
    mountSmallDisk(1024 * 1024).unmount();
    return false;
  } catch (error) {
    const reason = `mounting a tmpfs needs root on Linux: ${(error as Error).message.split('\n')[0]}`;
    if (process.env.CI === 'true' || process.env.CROWSNEST_REQUIRE_REAL === '1') throw new Error(`required here, but ${reason}`);
    return reason;
  }
}

export function mountSmallDisk(bytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'crowsnest-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'crowsnest-test', path], { stdio: 'pipe' });
  } catch (error) {
    rmSync(path, { recursive: true });
    throw error;
  }
  let fillers = 0;
  return {
    path,
    fill() {
      for (let size = 1024 * 1024; size >= 1; size = Math.floor(size / 4)) {
        const fd = openSync(join(path, `filler-${fillers++}`), 'w');
        try {
          while (writeSync(fd, Buffer.alloc(size, 0xa5)) === size);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        } finally {
          closeSync(fd);
        }
      }
    },
    free() {
      for (let i = 0; i < fillers; i++) rmSync(join(path, `filler-${i}`), { force: true });
      fillers = 0;
    },
    left() {
      const { bavail, bsize } = statfsSync(path);
      return bavail * bsize;
    },
    unmount() {
      execFileSync('umount', ['-l', path], { stdio: 'pipe' });
      rmSync(path, { recursive: true });
    },
  };
}
