import type { ISettingRegistry } from '@jupyterlab/settingregistry';

import type { ReaderChoices } from '../figures/reader-choices';
import { USUAL_CHOICES } from '../figures/reader-choices';
import type { RuntimeLimits } from '../worker/protocol';

const MEGABYTE = 2 ** 20;

/** The settings of this extension as their consumers take them; each as its schema has it where a page has no settings. */
export class Settings {
  constructor(private readonly _settings: Pick<ISettingRegistry.ISettings, 'get' | 'changed'> | undefined) {}

  /** Bytes of one saved output. */
  get budget(): number {
    return this._read('outputBudget', 300) * 1000;
  }

  /** Of one model, when it is opened. */
  get limits(): RuntimeLimits {
    const memory = this._read('memory', 4096);
    return { threads: this._read('threads', 1), ...(memory < 4096 && { memory: memory * MEGABYTE }) };
  }

  get choices(): ReaderChoices {
    return {
      sequential: this._read('sequential', USUAL_CHOICES.sequential),
      diverging: this._read('diverging', USUAL_CHOICES.diverging),
      digits: this._read('digits', USUAL_CHOICES.digits)
    };
  }

  onChange(listener: () => void): void {
    this._settings?.changed.connect(listener);
  }

  private _read<T>(name: string, usual: T): T {
    return (this._settings?.get(name).composite as T | undefined) ?? usual;
  }
}
