import { commands } from './plugins/commands';
import { models } from './plugins/models';
import { renderer } from './plugins/renderer';

/** The plugins of the extension. */
export default [models, renderer, commands];
