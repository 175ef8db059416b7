// A headless Chromium, spoken to over a pipe in its own protocol: no package is needed for it.
//
//   const chrome = await Chrome.start();      // throws NO_BROWSER when there is none
//   const page = await chrome.page({ width: 390, height: 844, dark: true, script: false });
//   await page.open(url); await page.eval('document.title'); await page.picture('x.png'); page.errors

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const programs = ['chromium', 'chromium-browser', 'google-chrome'];
export const NO_BROWSER = 'no Chromium on this machine';
export const browser = programs.flatMap(p => process.env.PATH.split(':').map(d => path.join(d, p))).find(f => fs.existsSync(f));

const CALL_MS = 60000;

export class Chrome {
	static async start()
	{
		if (!browser)
			throw new Error(NO_BROWSER);
		const c = new Chrome();
		c.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ekaci-chrome-'));
		c.child = spawn(browser, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
			'--hide-scrollbars', '--remote-debugging-pipe', `--user-data-dir=${c.dir}`, 'about:blank'],
		{ stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
		c.waiting = new Map();
		c.pages = new Map();
		c.last = 0;
		let text = '';
		c.child.stdio[4].setEncoding('utf8').on('data', chunk => {
			text += chunk;
			for (let end; (end = text.indexOf('\0')) >= 0; text = text.slice(end + 1))
				c.take(JSON.parse(text.slice(0, end)));
		});
		process.once('exit', () => c.child.kill('SIGKILL'));
		return c;
	}

	take(message)
	{
		const wait = this.waiting.get(message.id);
		if (wait) {
			this.waiting.delete(message.id);
			clearTimeout(wait.late);
			message.error ? wait.reject(new Error(`${wait.method}: ${message.error.message}`)) : wait.resolve(message.result);
		} else if (message.sessionId) {
			this.pages.get(message.sessionId)?.hear(message);
		}
	}

	call(method, params = {}, sessionId = undefined)
	{
		const id = ++this.last;
		this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
		return new Promise((resolve, reject) => {
			const late = setTimeout(() => reject(new Error(`${method}: no answer`)), CALL_MS);
			this.waiting.set(id, { resolve, reject, method, late });
		});
	}

	async page({ width = 1280, height = 900, dark = false, script = true } = {})
	{
		const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' });
		const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true });
		const page = new Page(this, sessionId, targetId);
		this.pages.set(sessionId, page);
		for (const domain of ['Page', 'Runtime', 'Log', 'Network'])
			await page.call(`${domain}.enable`);
		await page.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
		await page.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
		if (!script)
			await page.call('Emulation.setScriptExecutionDisabled', { value: true });
		return page;
	}

	async stop()
	{
		const gone = new Promise(resolve => this.child.once('exit', resolve));
		this.child.kill('SIGKILL');
		await gone;
		fs.rmSync(this.dir, { recursive: true, force: true });
	}
}

class Page {
	constructor(chrome, session, target)
	{
		Object.assign(this, { chrome, session, target, errors: [], bytes: 0, loaded: null });
	}

	call(method, params)
	{
		return this.chrome.call(method, params, this.session);
	}

	hear({ method, params })
	{
		if (method === 'Page.loadEventFired')
			this.loaded?.();
		else if (method === 'Runtime.exceptionThrown')
			this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
		else if (method === 'Runtime.consoleAPICalled' && params.type === 'error')
			this.errors.push(params.args.map(a => a.value ?? a.description).join(' '));
		else if (method === 'Log.entryAdded' && params.entry.level === 'error')
			this.errors.push(`${params.entry.text} ${params.entry.url ?? ''}`);
		else if (method === 'Network.loadingFinished')
			this.bytes += params.encodedDataLength;
	}

	async open(url)
	{
		const loaded = new Promise(resolve => { this.loaded = resolve; });
		const { errorText } = await this.call('Page.navigate', { url });
		if (errorText)
			throw new Error(`${url}: ${errorText}`);
		await loaded;
		return this;
	}

	async eval(expression)
	{
		const { result, exceptionDetails } = await this.call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
		if (exceptionDetails)
			throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
		return result.value;
	}

	// Asks until it gives something true.
	async until(expression, limit_ms = 20000)
	{
		for (const end = Date.now() + limit_ms;;) {
			const value = await this.eval(expression);
			if (value)
				return value;
			if (Date.now() > end)
				throw new Error(`not after ${limit_ms} ms: ${expression}`);
			await new Promise(resolve => setTimeout(resolve, 25));
		}
	}

	async key(key, code = key)
	{
		const virtual = { Tab: 9, Enter: 13, Escape: 27, End: 35, Home: 36, PageDown: 34 }[key];
		for (const type of ['keyDown', 'keyUp'])
			await this.call('Input.dispatchKeyEvent', { type, key, code, windowsVirtualKeyCode: virtual,
				text: type === 'keyDown' && key === 'Enter' ? '\r' : undefined });
	}

	type(text)
	{
		return this.call('Input.insertText', { text });
	}

	async picture(file, whole = false)
	{
		const { data } = await this.call('Page.captureScreenshot', { format: 'png', captureBeyondViewport: whole });
		fs.writeFileSync(file, Buffer.from(data, 'base64'));
	}

	close()
	{
		this.chrome.pages.delete(this.session);
		return this.chrome.call('Target.closeTarget', { targetId: this.target });
	}
}
