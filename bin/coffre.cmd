@echo off
setlocal
rem Runs dist\cli\main.js on the Node 24 of this package; COFFRE_NODE names another Node.
set "ROOT=%~dp0.."
set "NODE=%COFFRE_NODE%"
if "%NODE%"=="" set "NODE=%ROOT%\node_modules\node\bin\node.exe"
if not exist "%ROOT%\dist\cli\main.js" goto missing
if not exist "%NODE%" goto missing
"%NODE%" "%ROOT%\dist\cli\main.js" %*
exit /b %ERRORLEVEL%
:missing
echo coffre is not built: run "npm install && npm run build" in %ROOT% 1>&2
exit /b 1
